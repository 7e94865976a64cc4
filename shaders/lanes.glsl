// Sums as the CPU adds them up: a row belongs to 16 invocations, lane l adds up elements l, l+16,
// l+32, ... in order, and lanes are folded in halves. A work-group has four such teams.
shared float lane_sum[64];

/// The sum of a team's lanes. All invocations must come here.
float fold(float sum) {
    const uint i = gl_LocalInvocationID.x, lane = i % 16u;
    lane_sum[i] = sum;
    barrier();
    for (uint half_lanes = 8u; half_lanes != 0u; half_lanes /= 2u) {
        if (lane < half_lanes) {
            precise float both = lane_sum[i] + lane_sum[i + half_lanes];
            lane_sum[i] = both;
        }
        barrier();
    }
    const float total = lane_sum[i - lane];
    barrier();
    return total;
}
