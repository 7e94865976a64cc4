#version 450
// Values the other way round: of every block of 32 tokens of a text a word for each channel, whose
// bit j is the channel's bit of the block's token j. Keys that do not exist are zeros.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint columns, words, stride; } p;
layout(set = 0, binding = 0) restrict readonly buffer Values { uint values[]; };
layout(set = 0, binding = 1) restrict writeonly buffer Turned { uint turned[]; };
layout(set = 0, binding = 3) restrict readonly buffer Batch { uint batch[]; };
#include "batch.glsl"

void main() {
    const uint c = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, block = gl_WorkGroupID.y;
    if (c >= p.columns || block >= sizes.blocks) return;
    const uint row = batch[section_block_row * p.stride + block];
    const uint count = batch[section_block_count * p.stride + block];
    uint bits = 0u;
    for (uint j = 0u; j < count; ++j) {
        bits |= ((values[(row + j) * p.words + c / 32u] >> (c % 32u)) & 1u) << j;
    }
    turned[block * p.columns + c] = bits;
}
