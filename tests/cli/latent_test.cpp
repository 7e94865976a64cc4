/// `bipft train --latent-bits`: what goes on learning, in fewer bits.

#include <doctest/doctest.h>

#include <string>

#include "bipft/io/json.hpp"
#include "support/trained.hpp"
#include "support/workplace.hpp"

using namespace bipft;
using test::toy_shape;
using test::trained;
using test::Workplace;

TEST_CASE("train: latent weights are kept in as many bits as asked for, and gone on with") {
  const Workplace& place = trained();
  const std::string train = "bipft train small.tsv --dev dev.tsv --epochs 1 -q" + toy_shape;
  REQUIRE(place.code(train + "-o kept32.bipft --latent-bits 32") == 0);
  REQUIRE(place.code(train + "-o bare.bipft") == 0);
  const std::string logits = "cut -f1 dev.tsv | bipft run ";
  const std::string expected = place.sh(logits + "bare.bipft --logits").out;
  for (const std::string bits : {"2", "3", "4", "8"}) {
    CAPTURE(bits);
    const std::string kept = "kept" + bits + ".bipft";
    CHECK(place.code(train + "-o " + kept + " --latent-bits " + bits + " --threads 1") == 0);
    CHECK(place.code(train + "-o other.bipft --latent-bits " + bits + " --threads 3 && cmp " +
                     kept + " other.bipft") == 0);
    CHECK(place.sh(logits + kept + " --logits").out == expected);
    const std::string info = place.sh("bipft run " + kept + " --info").out;
    CHECK(info.find("kind\ttrainable\n") != std::string::npos);
    CHECK(info.find("bits.latent\t" + bits + "\n") != std::string::npos);

    // The same of a file that keeps all, without learning; and from there no bit changes any more.
    CHECK(place.code("bipft train --init kept32.bipft --epochs 0 --latent-bits " + bits +
                     " -o small.bipft") == 0);
    CHECK(place.sh(logits + "small.bipft --logits").out == expected);
    CHECK(place.code("bipft train --init small.bipft --epochs 0 --latent-bits " + bits +
                     " -o again.bipft") == 0);
    CHECK(place.sh(logits + "again.bipft --logits").out == expected);
    CHECK(place.code("bipft train --init again.bipft --epochs 0 --latent-bits " + bits +
                     " -o third.bipft") == 0);
    CHECK(place.code("test $(stat -c %s small.bipft) -lt $(stat -c %s kept32.bipft)") == 0);

    const test::Outcome on =
        place.sh("bipft train small.tsv --init small.bipft --epochs 1 -o on.bipft");
    CHECK(on.code == 0);
    CHECK(on.talk.find("bits alone") == std::string::npos);
    CHECK(place.sh("bipft run on.bipft --info").out.find("kind\tpacked\n") != std::string::npos);
    CHECK(place.code("bipft eval on.bipft dev.tsv -q") == 0);
  }
  CHECK(place.sh("bipft train small.tsv --init bare.bipft --epochs 1 -o on.bipft")
            .talk.find("init: the file holds bits alone") != std::string::npos);
  CHECK(place.sh("bipft run kept32.bipft --info").out.find("bits.latent\t32\n") !=
        std::string::npos);
  CHECK(place.sh("bipft run bare.bipft --info").out.find("bits.latent\t0\n") != std::string::npos);
  // A head for other labels, beside magnitudes that stay.
  CHECK(place.code("sed 's/good/fine/' small.tsv > other.tsv && bipft train other.tsv --init "
                   "kept4.bipft --epochs 0 --latent-bits 4 -o head.bipft") == 0);
  // Damage is told.
  CHECK(place.code("head -c 9000 kept4.bipft > cut.bipft; bipft run cut.bipft --info") == 4);
  CHECK(place.code("bipft train small.tsv --init cut.bipft -o x.bipft") == 4);
}

TEST_CASE("train: BEExformer's and BiPFT's latent weights in few bits") {
  const Workplace& place = trained();
  for (const std::string method :
       {"beexformer", "beexformer --weight-center row", "bipft", "bibert"}) {
    CAPTURE(method);
    const std::string train =
        "bipft train small.tsv --epochs 1 -q --method " + method + toy_shape + "-o ";
    CHECK(place.code(train + "m3.bipft --latent-bits 3 && " + train + "m0.bipft") == 0);
    CHECK(place.sh("cut -f1 dev.tsv | bipft run m3.bipft --logits").out ==
          place.sh("cut -f1 dev.tsv | bipft run m0.bipft --logits").out);
    CHECK(place.code("bipft train small.tsv --init m3.bipft --epochs 1 -q -o on.bipft") == 0);
  }
}
