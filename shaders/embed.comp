#version 450
// hidden[n][c] = (word[id][c] + position[t][c]) + type[type id][c]; a word is ±scale[id] by its bits,
// or floats. One slice of the table, of the ids from `first` on: of other tokens nothing is written.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint columns, words, stride, first, count, in_bits, scale, position, type;
} p;
layout(set = 0, binding = 0) restrict readonly buffer Table { uint table[]; };
layout(set = 0, binding = 1) restrict readonly buffer Rest { uint rest[]; };
layout(set = 0, binding = 2) restrict writeonly buffer Hidden { float hidden[]; };
layout(set = 0, binding = 3) restrict readonly buffer Batch { uint batch[]; };
#include "batch.glsl"

void main() {
    const uint c = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, n = gl_WorkGroupID.y;
    if (c >= p.columns || n >= sizes.tokens) return;
    const uint id = batch[section_id * p.stride + n];
    if (id < p.first || id - p.first >= p.count) return;
    const uint text = batch[section_text * p.stride + n];
    const uint place = n - batch[section_begin * p.stride + text];
    const uint row = (id - p.first) * p.words;
    float word;
    if (p.in_bits != 0u) {
        const float scale = uintBitsToFloat(rest[p.scale + id]);
        word = ((table[row + c / 32u] >> (c % 32u)) & 1u) != 0u ? scale : -scale;
    } else {
        word = uintBitsToFloat(table[row + c]);
    }
    const uint type = batch[section_type * p.stride + n];
    precise float y = word + uintBitsToFloat(rest[p.position + place * p.columns + c]);
    y = y + uintBitsToFloat(rest[p.type + type * p.columns + c]);
    hidden[n * p.columns + c] = y;
}
