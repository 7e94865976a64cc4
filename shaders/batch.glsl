// What every shader is given: four ranges of 32-bit words, the size of the batch, and constants.
//
// A batch is ragged. Its arrays lie in one range in sections of `stride` words: where each text
// begins, the text of each token, token and type ids, where each text's blocks of 32 keys begin,
// and each block's first token and its number of tokens.
layout(set = 0, binding = 4) uniform Sizes {
    uint tokens, texts, blocks;
} sizes;

const uint section_begin = 0u, section_text = 1u, section_id = 2u, section_type = 3u;
const uint section_blocks = 4u, section_block_row = 5u, section_block_count = 6u;
