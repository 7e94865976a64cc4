#version 450
// Attention over bits, of one head and four queries, each of 16 lanes: see AttentionStep. A key's
// distance is the number of places in which it differs; its term stands in a table; it lives where
// its term times 1/sum is above half_alpha, or, without a table, where it is near enough. Terms are
// added up as the CPU adds them, so the same keys live.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint columns, words, stride, heads, size, q, k, turned, table, has_table, threshold;
    int most;
    float half_alpha;
} p;
layout(set = 0, binding = 0) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 1) restrict readonly buffer Bits { uint bits[]; };
layout(set = 0, binding = 2) restrict writeonly buffer Context { uint context[]; };
layout(set = 0, binding = 3) restrict readonly buffer Batch { uint batch[]; };
#include "batch.glsl"
#include "float.glsl"
#include "lanes.glsl"

const uint longest = 8192u;  // tokens of a text
shared uint alive[4u * longest / 32u];
shared uint least_of[64];
shared uint living[4];
shared uint row_bits[8];

void main() {
    const uint lid = gl_LocalInvocationID.x, lane = lid % 16u, team = lid / 16u;
    const uint head = gl_WorkGroupID.x, n = gl_WorkGroupID.y * 4u + team;
    const bool there = n < sizes.tokens;
    const uint text = there ? batch[section_text * p.stride + n] : 0u;
    const uint begin = batch[section_begin * p.stride + text];
    const uint length = there ? batch[section_begin * p.stride + text + 1u] - begin : 0u;
    const uint alive_words = (length + 31u) / 32u;
    const bool wide = p.size == 64u;
    const uint word = head * p.size / 32u;
    const uint q0 = there ? bits[p.q + n * p.words + word] : 0u;
    const uint q1 = there && wide ? bits[p.q + n * p.words + word + 1u] : 0u;
    const uint keys = p.k + begin * p.words + word;

    for (uint w = lane; w < alive_words; w += 16u) alive[team * (longest / 32u) + w] = 0u;
    if (lane == 0u) living[team] = 0u;
    if (lane < 2u) row_bits[2u * team + lane] = 0u;

    uint least = 64u;
    for (uint j = lane; j < length; j += 16u) {
        uint distance = uint(bitCount(q0 ^ bits[keys + j * p.words]));
        if (wide) distance += uint(bitCount(q1 ^ bits[keys + j * p.words + 1u]));
        least = min(least, distance);
    }
    least_of[lid] = least;
    barrier();
    for (uint half_lanes = 8u; half_lanes != 0u; half_lanes /= 2u) {
        if (lane < half_lanes) least_of[lid] = min(least_of[lid], least_of[lid + half_lanes]);
        barrier();
    }
    least = min(least_of[lid - lane], p.size);
    const uint row = p.table + least * (p.size + 1u);

    float inverse = 0.0;
    if (p.has_table != 0u) {  // the same for all invocations
        precise float sum = 0.0;
        for (uint j = lane; j < length; j += 16u) {
            uint distance = uint(bitCount(q0 ^ bits[keys + j * p.words]));
            if (wide) distance += uint(bitCount(q1 ^ bits[keys + j * p.words + 1u]));
            sum = sum + uintBitsToFloat(parameters[row + distance]);
        }
        inverse = divide(1.0, fold(sum));
    }
    for (uint j = lane; j < length; j += 16u) {
        uint distance = uint(bitCount(q0 ^ bits[keys + j * p.words]));
        if (wide) distance += uint(bitCount(q1 ^ bits[keys + j * p.words + 1u]));
        bool lives;
        if (p.has_table != 0u) {
            precise float likely = uintBitsToFloat(parameters[row + distance]) * inverse;
            lives = likely > p.half_alpha;
        } else {
            lives = int(distance) <= p.most;
        }
        if (lives) atomicOr(alive[team * (longest / 32u) + j / 32u], 1u << (j % 32u));
    }
    barrier();
    for (uint w = lane; w < alive_words; w += 16u) {
        atomicAdd(living[team], uint(bitCount(alive[team * (longest / 32u) + w])));
    }
    barrier();
    const int count = int(living[team]);
    const uint first_block = batch[section_blocks * p.stride + text];
    for (uint d = lane; there && d < p.size; d += 16u) {
        const uint c = head * p.size + d;
        uint plus = 0u;
        for (uint w = 0u; w < alive_words; ++w) {
            const uint values = bits[p.turned + (first_block + w) * p.columns + c];
            plus += uint(bitCount(alive[team * (longest / 32u) + w] & values));
        }
        const bool one = 2 * int(plus) - count >= int(parameters[p.threshold + c]);
        if (one) atomicOr(row_bits[2u * team + d / 32u], 1u << (d % 32u));
    }
    barrier();
    if (!there) return;
    if (lane < p.size / 32u) context[n * p.words + word + lane] = row_bits[2u * team + lane];
    const uint written = p.columns / 32u;  // behind the last head: padding
    if (head + 1u == p.heads && written + lane < p.words) context[n * p.words + written + lane] = 0u;
}
