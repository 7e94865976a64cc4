#version 450
// hidden = ((hidden - mean) · inverse) · gamma + beta, row by row, with `branch` of it added before;
// and at once the bits that up to three products read. A row belongs to 16 lanes, which sum as the
// CPU's do; the bits of a word belong to one of them.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint columns, words, gamma, beta, add_branch, packs;
    float epsilon;
    uint shift[3], shifted[3], to[3], strict[3];
    float threshold[3];
} p;
layout(set = 0, binding = 0) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 1) restrict buffer Hidden { float hidden[]; };
layout(set = 0, binding = 2) restrict writeonly buffer Bits { uint bits[]; };
layout(set = 0, binding = 3) restrict readonly buffer Branch { float branch[]; };
#include "batch.glsl"
#include "float.glsl"
#include "lanes.glsl"

float value(uint i) {
    precise float x = hidden[i];
    if (p.add_branch != 0u) x = x + branch[i];
    return x;
}

void main() {
    const uint lane = gl_LocalInvocationID.x % 16u;
    const uint n = gl_WorkGroupID.y * 4u + gl_LocalInvocationID.x / 16u;
    const uint columns = n < sizes.tokens ? p.columns : 0u;
    const uint begin = n * p.columns;
    const float count = float(p.columns);

    precise float sum = 0.0;
    for (uint c = lane; c < columns; c += 16u) sum = sum + value(begin + c);
    const float mean = divide(fold(sum), count);
    precise float squares = 0.0;
    for (uint c = lane; c < columns; c += 16u) {
        precise float apart = value(begin + c) - mean;
        precise float square = apart * apart;
        squares = squares + square;
    }
    precise float variance = divide(fold(squares), count) + p.epsilon;
    const float inverse = divide(1.0, root(variance));

    for (uint w = lane; w * 32u < columns || (columns != 0u && w < p.words); w += 16u) {
        uint word[3] = uint[3](0u, 0u, 0u);
        for (uint i = 0u; i < 32u; ++i) {
            const uint c = w * 32u + i;
            if (c >= columns) break;
            precise float y = value(begin + c) - mean;
            y = y * inverse;
            y = y * uintBitsToFloat(parameters[p.gamma + c]);
            y = y + uintBitsToFloat(parameters[p.beta + c]);
            hidden[begin + c] = y;
            for (uint k = 0u; k < 3u; ++k) {
                if (k >= p.packs) break;
                precise float x = y;
                if (p.shifted[k] != 0u) x = x + uintBitsToFloat(parameters[p.shift[k] + c]);
                const bool one = p.strict[k] != 0u ? x > p.threshold[k] : x >= p.threshold[k];
                word[k] |= (one ? 1u : 0u) << i;
            }
        }
        for (uint k = 0u; k < 3u; ++k) {
            if (k < p.packs) bits[p.to[k] + n * p.words + w] = word[k];
        }
    }
}
