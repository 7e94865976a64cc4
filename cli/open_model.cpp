/// open_model, in a file of its own: it packs, and so compiles all that learns.

#include "open_model.hpp"

#include <string>

#include "bipft/device/devices.hpp"
#include "bipft/io/folder.hpp"
#include "bipft/model/hf_folder.hpp"
#include "bipft/model/model.hpp"

namespace bipft::cli {

ModelFile open_model(const std::string& path, Console& console) {
  if (!is_folder(path)) return load_model(path, Wanted::answers);
  HfFolder folder = read_hf_folder(path);
  for (const std::string& note : folder.notes) console.say(path, ": ", note);
  ModelFile& model = folder.model;
  if (model.card.config.binary()) {
    model.packed = Model(*model.latent).pack(active_device());
    model.latent.reset();
    model.card.kind = "packed";
  }
  return model;
}

}  // namespace bipft::cli
