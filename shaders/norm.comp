#version 450
// hidden = ((hidden - mean) · inverse) · gamma + beta, row by row, with `branch` of it added before;
// and at once the bits that up to three products read. A row belongs to 16 lanes, which sum as the
// CPU's do. Lanes read columns side by side, so that each has bits of every word: for 512 columns
// at a time they exchange them, and write a word each.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : enable
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

const uint chunk = 512u;  // columns: 32 bits of each of 16 lanes
shared uint marks[4u * 3u * 16u];

void main() {
    const uint lane = gl_LocalInvocationID.x % 16u, team = gl_LocalInvocationID.x / 16u;
    const uint n = gl_WorkGroupID.y * 4u + team;
    const uint columns = n < sizes.tokens ? p.columns : 0u;
    const uint begin = n * p.columns;
    const float count = float(p.columns);

    // Four numbers are fetched before the first is added: a zero behind the last changes no sum.
    float four[4];
    precise float sum = 0.0;
    for (uint c = lane; c < columns; c += 64u) {
        [[unroll]] for (uint i = 0u; i < 4u; ++i) {
            four[i] = c + 16u * i < columns ? value(begin + c + 16u * i) : 0.0;
        }
        [[unroll]] for (uint i = 0u; i < 4u; ++i) sum = sum + four[i];
    }
    const float mean = divide(fold(sum), count);
    precise float squares = 0.0;
    for (uint c = lane; c < columns; c += 64u) {
        [[unroll]] for (uint i = 0u; i < 4u; ++i) {
            precise float apart = value(begin + min(c + 16u * i, columns - 1u)) - mean;
            four[i] = c + 16u * i < columns ? apart : 0.0;
        }
        [[unroll]] for (uint i = 0u; i < 4u; ++i) {
            precise float square = four[i] * four[i];
            squares = squares + square;
        }
    }
    precise float variance = divide(fold(squares), count) + p.epsilon;
    const float inverse = divide(1.0, root(variance));

    for (uint first = 0u; first < p.words * 32u; first += chunk) {  // the same for all invocations
        uint mark[3] = uint[3](0u, 0u, 0u);
        for (uint i = 0u; i < 32u; ++i) {
            const uint c = first + 16u * i + lane;
            if (c >= columns) break;
            precise float y = value(begin + c) - mean;
            y = y * inverse;
            y = y * uintBitsToFloat(parameters[p.gamma + c]);
            y = y + uintBitsToFloat(parameters[p.beta + c]);
            hidden[begin + c] = y;
            [[unroll]] for (uint k = 0u; k < 3u; ++k) {
                if (k >= p.packs) break;
                precise float x = y;
                if (p.shifted[k] != 0u) x = x + uintBitsToFloat(parameters[p.shift[k] + c]);
                const bool one = p.strict[k] != 0u ? x > p.threshold[k] : x >= p.threshold[k];
                mark[k] |= (one ? 1u : 0u) << i;
            }
        }
        [[unroll]] for (uint k = 0u; k < 3u; ++k) marks[(team * 3u + k) * 16u + lane] = mark[k];
        barrier();
        const uint w = first / 32u + lane;  // bits 2·lane and 2·lane + 1 of every mark
        [[unroll]] for (uint k = 0u; k < 3u; ++k) {
            if (k >= p.packs || w >= p.words || columns == 0u) break;
            uint word = 0u;
            [[unroll]] for (uint l = 0u; l < 16u; ++l) {
                const uint both = marks[(team * 3u + k) * 16u + l] >> (2u * lane);
                word |= ((both & 1u) << l) | (((both >> 1) & 1u) << (l + 16u));
            }
            bits[p.to[k] + n * p.words + w] = word;
        }
        barrier();
    }
}
