#version 450
// Bit c of a row is x[c] + shift[c] >= threshold (or >, if strict); a word for each invocation.
// Rows are all tokens, or of each text the first.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint columns, words, stride, first_only, shift, shifted, strict;
    float threshold;
} p;
layout(set = 0, binding = 0) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 1) restrict readonly buffer From { float from[]; };
layout(set = 0, binding = 2) restrict writeonly buffer To { uint to[]; };
layout(set = 0, binding = 3) restrict readonly buffer Batch { uint batch[]; };
#include "batch.glsl"

void main() {
    const uint w = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, row = gl_WorkGroupID.y;
    const uint rows = p.first_only != 0u ? sizes.texts : sizes.tokens;
    if (w >= p.words || row >= rows) return;
    const uint n = p.first_only != 0u ? batch[section_begin * p.stride + row] : row;
    uint bits = 0u;
    for (uint i = 0u; i < 32u; ++i) {
        const uint c = w * 32u + i;
        if (c >= p.columns) break;
        precise float x = from[n * p.columns + c];
        if (p.shifted != 0u) x = x + uintBitsToFloat(parameters[p.shift + c]);
        const bool one = p.strict != 0u ? x > p.threshold : x >= p.threshold;
        bits |= (one ? 1u : 0u) << i;
    }
    to[row * p.words + w] = bits;
}
