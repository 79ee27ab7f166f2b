/* SPDX-License-Identifier: Apache-2.0 */
/* The words that containers without a name are called by. */
#include "store/words.h"

#include <stdio.h>

static const char *const adjectives[] = {
    "agile",   "airy",   "amber",   "ample",  "azure",  "balmy",  "brave",  "breezy",
    "bright",  "brisk",  "calm",    "candid", "cheery", "civil",  "clear",  "clever",
    "cosy",    "crisp",  "curious", "dapper", "daring", "deft",   "eager",  "earnest",
    "elegant", "fair",   "fluent",  "fond",   "frank",  "fresh",  "gentle", "glad",
    "golden",  "grand",  "happy",   "hardy",  "honest", "humble", "jolly",  "keen",
    "kind",    "lively", "lucid",   "lucky",  "mellow", "merry",  "mild",   "neat",
    "nimble",  "noble",  "patient", "placid", "polite", "proud",  "quick",  "quiet",
    "rapid",   "serene", "silent",  "smooth", "steady", "sunny",  "tidy",   "witty",
};

static const char *const nouns[] = {
    "acorn",   "anchor", "aspen",   "badger",  "beacon", "beaver",  "birch",  "bison",
    "breeze",  "brook",  "canyon",  "cedar",   "cliff",  "clover",  "comet",  "condor",
    "coral",   "cove",   "crane",   "delta",   "dune",   "falcon",  "fern",   "fjord",
    "forest",  "gannet", "garden",  "geyser",  "glade",  "grove",   "harbor", "hazel",
    "heron",   "island", "jasper",  "kestrel", "lagoon", "lantern", "larch",  "lynx",
    "maple",   "marten", "meadow",  "meteor",  "orchid", "osprey",  "otter",  "pebble",
    "pine",    "plover", "prairie", "quartz",  "raven",  "reef",    "river",  "robin",
    "sparrow", "spruce", "summit",  "thistle", "tundra", "valley",  "willow", "wren",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

void store_words_pick(uint32_t number, char *out, size_t size)
{
    size_t adjective = number % COUNT(adjectives);
    size_t noun = number / COUNT(adjectives) % COUNT(nouns);

    snprintf(out, size, "%s_%s", adjectives[adjective], nouns[noun]);
}
