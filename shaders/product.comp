#version 450
// A product of bits: popcount(a[n] xor w[o]) over 32-bit words, and what follows it:
//   floats   y[n][o] = (scale[o] · (base[o] - step · popcount) + bias[o]) (+ y[n][o])
//   BITS     bit o of a row is popcount <= most[o] (or >= least[o])
// TILE rows by 32 columns of the result to a work-group of 64, which keeps words of both operands
// at hand. Padding bits are zero in both operands and never differ.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : enable
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint outputs, words, out_words, by_text, step, base, scale, bias, add, most, least, has_least;
} p;
layout(set = 0, binding = 0) restrict readonly buffer Weight { uint weight[]; };
layout(set = 0, binding = 1) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 2) restrict readonly buffer From { uint from[]; };
#ifdef BITS
layout(set = 0, binding = 3) restrict writeonly buffer To { uint to[]; };
#else
layout(set = 0, binding = 3) restrict buffer To { float to[]; };
#endif
#include "batch.glsl"

const uint rows_tile = TILE, columns_tile = 32u, depth = 8u;
const uint by_rows = TILE / 8u, by_columns = 4u;
const uint pitch = depth + 1u;  // no two lanes of a bank
shared uint a[rows_tile * pitch];
shared uint b[columns_tile * pitch];
#ifdef BITS
shared uint row_bits[rows_tile];
#endif

#ifdef ADDERS
uint most_of(uint a, uint b, uint c) { return (a & b) | (c & (a | b)); }
#endif

void main() {
    const uint lid = gl_LocalInvocationID.x, x = lid % 8u, y = lid / 8u;
    const uint rows = p.by_text != 0u ? sizes.texts : sizes.tokens;
    const uint first_row = gl_WorkGroupID.y * rows_tile;
    const uint first_column = gl_WorkGroupID.x * columns_tile;

    uint ones[by_rows * by_columns];
    [[unroll]] for (uint i = 0u; i < by_rows * by_columns; ++i) ones[i] = 0u;
#ifdef BITS
    if (lid < rows_tile) row_bits[lid] = 0u;
#endif
    for (uint k = 0u; k < p.words; k += depth) {
        for (uint i = lid; i < rows_tile * depth; i += 64u) {
            const uint n = first_row + i / depth, w = k + i % depth;
            a[i / depth * pitch + i % depth] =
                n < rows && w < p.words ? from[n * p.words + w] : 0u;
        }
        for (uint i = lid; i < columns_tile * depth; i += 64u) {
            const uint o = first_column + i / depth, w = k + i % depth;
            b[i / depth * pitch + i % depth] =
                o < p.outputs && w < p.words ? weight[o * p.words + w] : 0u;
        }
        barrier();
#ifdef ADDERS
        uint right[by_columns * depth];
        [[unroll]] for (uint j = 0u; j < by_columns; ++j) {
            [[unroll]] for (uint w = 0u; w < depth; ++w) {
                right[j * depth + w] = b[(x + 8u * j) * pitch + w];
            }
        }
        [[unroll]] for (uint i = 0u; i < by_rows; ++i) {
            uint left[depth];
            [[unroll]] for (uint w = 0u; w < depth; ++w) left[w] = a[(y + 8u * i) * pitch + w];
            [[unroll]] for (uint j = 0u; j < by_columns; ++j) {
                uint d[depth];
                [[unroll]] for (uint w = 0u; w < depth; ++w) d[w] = left[w] ^ right[j * depth + w];
                const uint one_a = d[0] ^ d[1] ^ d[2], two_a = most_of(d[0], d[1], d[2]);
                const uint one_b = d[3] ^ d[4] ^ d[5], two_b = most_of(d[3], d[4], d[5]);
                const uint one = one_a ^ one_b ^ d[6], two_c = most_of(one_a, one_b, d[6]);
                const uint two = two_a ^ two_b ^ two_c, four = most_of(two_a, two_b, two_c);
                ones[i * by_columns + j] += uint(bitCount(one) + bitCount(d[7]) +
                                                 2 * bitCount(two) + 4 * bitCount(four));
            }
        }
#else
        [[unroll]] for (uint w = 0u; w < depth; ++w) {
            uint left[by_rows], right[by_columns];
            [[unroll]] for (uint i = 0u; i < by_rows; ++i) left[i] = a[(y + 8u * i) * pitch + w];
            [[unroll]] for (uint j = 0u; j < by_columns; ++j) {
                right[j] = b[(x + 8u * j) * pitch + w];
            }
            [[unroll]] for (uint i = 0u; i < by_rows; ++i) {
                [[unroll]] for (uint j = 0u; j < by_columns; ++j) {
                    ones[i * by_columns + j] += uint(bitCount(left[i] ^ right[j]));
                }
            }
        }
#endif
        barrier();
    }

    [[unroll]] for (uint i = 0u; i < by_rows; ++i) {
        const uint n = first_row + y + 8u * i;
        [[unroll]] for (uint j = 0u; j < by_columns; ++j) {
            const uint o = first_column + x + 8u * j;
            if (n >= rows || o >= p.outputs) continue;
            const int count = int(ones[i * by_columns + j]);
#ifdef BITS
            bool one = count <= int(parameters[p.most + o]);
            if (p.has_least != 0u) one = one || count >= int(parameters[p.least + o]);
            if (one) atomicOr(row_bits[y + 8u * i], 1u << (x + 8u * j));
#else
            const int v = int(parameters[p.base + o]) - int(p.step) * count;
            precise float z = uintBitsToFloat(parameters[p.scale + o]) * float(v);
            z = z + uintBitsToFloat(parameters[p.bias + o]);
            if (p.add != 0u) z = to[n * p.outputs + o] + z;
            to[n * p.outputs + o] = z;
#endif
        }
    }
#ifdef BITS
    barrier();
    const uint n = first_row + lid;
    if (lid < rows_tile && n < rows) to[n * p.out_words + gl_WorkGroupID.x] = row_bits[lid];
#endif
}
