#!/usr/bin/env python3
"""Writes data/demo-train.tsv, data/demo-dev.tsv and data/pairs.tsv.

    python3 tests/oracles/make_demo_data.py data

Short reviews made by a small grammar, in which the order of the words decides: "not", "but",
"although", what was expected and what came. The words themselves say little, so that a bag of
words loses visibly. The standard library only; the same bytes on every Python 3.
"""

import os
import random
import sys

SEED = 20240
TRAIN_ROWS = 4000
DEV_ROWS = 600
PAIR_ROWS = 240

POSITIVE, NEGATIVE = 1, 0
LABELS = {POSITIVE: "positive", NEGATIVE: "negative"}

# What is reviewed, by domain: noun -> (praise, blame), and what may stand at the end of a clause.
DOMAINS = {
    "gadget": ({
        "screen": ("bright sharp clear", "dim blurry dull"),
        "battery": ("strong reliable", "weak unreliable"),
        "camera": ("sharp quick", "blurry slow"),
        "keyboard": ("comfortable quiet", "stiff noisy"),
        "sound": ("rich clear", "harsh dull"),
        "phone": ("quick solid", "slow flimsy"),
        "laptop": ("quick quiet light", "slow noisy heavy"),
        "app": ("simple quick stable", "clumsy slow buggy"),
        "manual": ("clear helpful", "vague confusing"),
        "charger": ("quick solid", "slow flimsy"),
    }, ["for the money", "after a month", "from the start", "in daily use", "on the road",
        "after the update"]),
    "order": ({
        "delivery": ("quick punctual", "slow late"),
        "driver": ("friendly punctual", "rude late"),
        "parcel": ("neat dry", "torn wet"),
        "support": ("helpful patient", "careless rude"),
        "jacket": ("warm light stylish", "thin heavy ugly"),
        "chair": ("solid comfortable", "flimsy stiff"),
        "lamp": ("bright stylish", "dim ugly"),
        "price": ("fair low", "unfair high"),
        "website": ("simple clear", "clumsy confusing"),
    }, ["this time", "once again", "as usual", "for a small shop", "in the end", "this winter"]),
    "stay": ({
        "staff": ("friendly helpful", "rude careless"),
        "room": ("clean quiet spacious", "dirty noisy cramped"),
        "bed": ("soft comfortable", "hard lumpy"),
        "bathroom": ("clean warm", "dirty cold"),
        "pool": ("clean warm", "dirty cold"),
        "view": ("splendid wide", "dull narrow"),
        "lobby": ("bright spacious", "dark cramped"),
        "breakfast": ("fresh tasty", "stale bland"),
    }, ["on the first night", "all week", "for a city hotel", "this summer", "at this price",
        "in the morning"]),
    "meal": ({
        "waiter": ("polite quick", "rude slow"),
        "coffee": ("hot rich", "cold bitter"),
        "soup": ("hot tasty", "cold bland"),
        "pizza": ("crisp tasty", "soggy bland"),
        "bread": ("fresh crisp", "stale hard"),
        "salad": ("fresh varied", "limp bland"),
        "menu": ("varied clear", "narrow confusing"),
        "dessert": ("light tasty", "heavy bland"),
        "table": ("clean quiet", "dirty noisy"),
    }, ["last night", "this time", "for lunch", "as always", "for the price", "at the weekend"]),
    "film": ({
        "story": ("clever moving", "silly boring"),
        "cast": ("lively brilliant", "wooden boring"),
        "ending": ("clever moving", "silly hurried"),
        "music": ("lively moving", "dull harsh"),
        "script": ("clever witty", "silly wooden"),
        "first half": ("lively witty", "slow boring"),
        "second half": ("lively moving", "slow hurried"),
        "lead actor": ("brilliant charming", "wooden dull"),
    }, ["in my view", "to be honest", "for a first film", "as a whole", "on a big screen",
        "for my taste"]),
}
THINGS = {noun: words for nouns, _ in DOMAINS.values() for noun, words in nouns.items()}
DOMAIN = {noun: domain for domain, (nouns, _) in DOMAINS.items() for noun in nouns}
GENERAL = (
    "good great fine lovely excellent pleasant superb".split(),
    "bad poor awful dreadful terrible annoying useless".split(),
)
DEGREES = ["very", "really", "quite", "rather", "so", "truly"]
DENIED_DEGREES = ["very", "really", "so", "that"]
OPINIONS = (
    ["i love the NOUN", "we enjoyed the NOUN", "i would gladly pay for the NOUN again",
     "i do not regret the NOUN", "i can not complain about the NOUN", "nobody could hate the NOUN"],
    ["i hate the NOUN", "we regretted the NOUN", "i would never pay for the NOUN again",
     "i do not love the NOUN", "i can only complain about the NOUN", "nobody could enjoy the NOUN"],
)
ADVICE = {
    "gadget": ("buy it", "send it back"),
    "order": ("i will order again", "i will not order again"),
    "stay": ("i am glad i came", "i am sorry i came"),
    "meal": ("we will come again", "we will not come again"),
    "film": ("go and see it", "do not waste an evening on it"),
}
VERBS = ["is", "was", "seems", "feels"]
BOUGHT = ["got", "received", "found", "was given"]
WHOLES = ["phone", "laptop", "app", "delivery", "jacket", "chair", "lamp", "room", "breakfast",
          "coffee", "soup", "pizza", "dessert", "story", "ending", "camera"]


class Grammar:
    """Draws sentences; every draw comes from one seeded stream of `random.random()`."""

    def __init__(self, seed):
        self.stream = random.Random(seed)

    def below(self, n):
        return int(self.stream.random() * n)

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def chance(self, probability):
        return self.stream.random() < probability

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    # --- words and clauses -----------------------------------------------------------------

    def thing(self, beside=None):
        """Any noun; or another one of the same domain."""
        nouns = DOMAINS[DOMAIN[beside]][0] if beside else THINGS
        return self.pick([noun for noun in nouns if noun != beside])

    def word(self, noun, mood):
        """An adjective that praises (mood 1) or blames (mood 0) the noun."""
        if self.chance(0.3):
            return self.pick(GENERAL[1 - mood])
        return self.pick(THINGS[noun][1 - mood].split())

    def a(self, words):
        return ("an " if words[0] in "aeiou" else "a ") + words

    def degree(self):
        return self.pick(DEGREES) + " " if self.chance(0.3) else ""

    def plain(self, noun, mood):
        return f"the {noun} {self.pick(VERBS)} {self.degree()}{self.word(noun, mood)}"

    def negated(self, noun, mood):
        """A clause of this mood that says so by denying the opposite."""
        opposite = self.word(noun, 1 - mood)
        return self.pick([
            f"the {noun} is not {opposite}",
            f"the {noun} was not {self.pick(DENIED_DEGREES)} {opposite}",
            f"the {noun} was never {opposite}",
            f"the {noun} is not {opposite} at all",
            f"the {noun} is far from {opposite}",
            f"the {noun} is hardly {opposite}",
            f"i would not call the {noun} {opposite}",
            f"nobody could call the {noun} {opposite}",
            f"this is not {self.a(opposite)} {noun}",
        ])

    def opinion(self, noun, mood):
        """What the writer did or does about it."""
        return self.pick(OPINIONS[1 - mood]).replace("NOUN", noun)

    def clause(self, noun, mood, deny=0.15):
        if self.chance(deny):
            return self.negated(noun, mood)
        return self.opinion(noun, mood) if self.chance(0.15) else self.plain(noun, mood)

    def end(self, text, noun):
        return f"{text} {self.pick(DOMAINS[DOMAIN[noun]][1])}" if self.chance(0.5) else text

    # --- sentences: each takes the mood it is to have ---------------------------------------

    def simple(self, mood):
        noun = self.thing()
        word = self.word(noun, mood)
        return self.pick([
            lambda: self.end(self.plain(noun, mood), noun),
            lambda: self.end(f"{self.a(word)} {noun}", noun),
            lambda: self.end(f"that is {self.a(word)} {noun}", noun),
            lambda: f"what {self.a(word)} {noun} , {ADVICE[DOMAIN[noun]][1 - mood]}",
            lambda: self.end(self.opinion(noun, mood), noun),
        ])()

    def joined(self, mood):
        noun = self.thing()
        other = self.thing(beside=noun)
        return f"{self.clause(noun, mood)} and {self.end(self.clause(other, mood, 0.1), other)}"

    def denial(self, mood):
        noun = self.thing()
        return self.end(self.negated(noun, mood), noun)

    def not_only(self, mood):
        noun = self.thing()
        first, second = self.word(noun, mood), self.word(noun, mood)
        while second == first:
            second = self.word(noun, mood)
        return self.end(f"the {noun} is not only {first} but also {second}", noun)

    def contrast(self, mood):
        """Two clauses at odds; the main one decides."""
        noun = self.thing()
        other = self.thing(beside=noun)
        main, aside = self.clause(noun, mood), self.end(self.clause(other, 1 - mood), other)
        word = self.word(other, 1 - mood)
        return self.pick([
            lambda: f"{aside} , but {self.end(main, noun)}",
            lambda: f"{aside} but {self.end(main, noun)}",
            lambda: f"{aside} , yet {self.end(main, noun)}",
            lambda: f"although {aside} , {self.end(main, noun)}",
            lambda: f"despite the {word} {other} , {self.end(main, noun)}",
            lambda: f"{main} although {aside}",
            lambda: f"{main} despite the {word} {other}",
        ])()

    def surprise(self, mood):
        """What was expected, and what came; what came decides."""
        noun = self.pick(WHOLES)
        hoped, came = self.word(noun, 1 - mood), self.word(noun, mood)
        return self.pick([
            lambda: f"i expected {self.a(hoped)} {noun} and {self.pick(BOUGHT)} {self.a(came)} one",
            lambda: f"i {self.pick(BOUGHT)} {self.a(came)} {noun} where i had expected "
                    f"{self.a(hoped)} one",
            lambda: f"the {noun} looked {hoped} and turned out {self.degree()}{came}",
            lambda: f"the {noun} that they call {hoped} is {self.end(came, noun)}",
            lambda: f"others call the {noun} {hoped} , i found it {self.end(came, noun)}",
            lambda: f"once the {noun} was {hoped} , now it is {self.end(came, noun)}",
        ])()

    def sentence(self, mood):
        shape = self.stream.random()
        for share, draw in MIXTURE:
            if shape < share:
                return draw(self, mood)
            shape -= share
        return self.simple(mood)

    # --- pairs ------------------------------------------------------------------------------

    def pair(self, same):
        """Two sentences that mean the same, or not."""
        noun = self.thing()
        other = self.thing(beside=noun)
        mood = self.below(2)
        good, bad = self.word(noun, mood), self.word(noun, 1 - mood)
        aside = self.plain(other, 1 - mood)
        turned = mood if same else 1 - mood
        return self.pick([
            lambda: (f"the {noun} is {good}", self.negated(noun, turned)),
            lambda: (f"the {noun} is {good}", f"i found the {noun} {good if same else bad}"),
            lambda: (f"{aside} but the {noun} is {good}",
                     f"the {noun} is {good} although {aside}" if same
                     else f"{aside} although the {noun} is {good}"),
            lambda: (f"i expected {self.a(bad)} {noun} and got {self.a(good)} one",
                     f"the {noun} is {good} , not {bad}" if same
                     else f"the {noun} is {bad} , not {good}"),
        ])()


MIXTURE = [
    (0.45, Grammar.simple),
    (0.18, Grammar.joined),
    (0.09, Grammar.denial),
    (0.02, Grammar.not_only),
    (0.17, Grammar.contrast),
    (0.09, Grammar.surprise),
]


def distinct(grammar, rows, draw):
    """`rows` rows, half of each label, no text twice."""
    seen, table = set(), []
    while len(table) < rows:
        label = len(table) % 2
        text = draw(label)
        if text not in seen:
            seen.add(text)
            table.append((text, label))
    grammar.shuffle(table)
    return table


def write(path, header, rows):
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write("\t".join(header) + "\n")
        for row in rows:
            file.write("\t".join(row).replace(" ,", ",") + "\n")


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else "data"
    grammar = Grammar(SEED)
    reviews = [(text, LABELS[mood])
               for text, mood in distinct(grammar, TRAIN_ROWS + DEV_ROWS, grammar.sentence)]
    write(os.path.join(folder, "demo-train.tsv"), ("text", "label"), reviews[:TRAIN_ROWS])
    write(os.path.join(folder, "demo-dev.tsv"), ("text", "label"), reviews[TRAIN_ROWS:])
    pairs = [(text, text2, "same" if same else "different")
             for (text, text2), same in distinct(grammar, PAIR_ROWS, grammar.pair)]
    write(os.path.join(folder, "pairs.tsv"), ("text", "text2", "label"), pairs)


if __name__ == "__main__":
    main()
