// Floats as the CPU computes them, to the last bit.
//
// Vulkan rounds +, - and * correctly, and `precise` keeps a compiler from contracting or reordering
// them; a division may be wrong by 2.5 units in the last place and a root by more, so these two are
// made of integers here. They are asked for once a row, or once a number behind the pooler.

/// a / b, rounded to the nearest. Zeros, infinities, NaNs and results that are no normal numbers
/// are left to the device's own division.
float divide(float a, float b) {
    const uint x = floatBitsToUint(a), y = floatBitsToUint(b);
    const uint ex = (x >> 23) & 255u, ey = (y >> 23) & 255u;
    if (ex == 0u || ex == 255u || ey == 0u || ey == 255u) return a / b;
    uint m = (x & 0x7FFFFFu) | 0x800000u;
    const uint d = (y & 0x7FFFFFu) | 0x800000u;
    int e = int(ex) - int(ey) + 127;
    if (m < d) {
        m <<= 1;
        --e;
    }
    uint rest = m - d, q = 1u;  // 24 bits and one more to round by
    for (int i = 0; i < 24; ++i) {
        rest <<= 1;
        q <<= 1;
        if (rest >= d) {
            rest -= d;
            q |= 1u;
        }
    }
    uint rounded = q >> 1;
    if ((q & 1u) != 0u && (rest != 0u || (rounded & 1u) != 0u)) ++rounded;
    if (rounded == 0x1000000u) {
        rounded >>= 1;
        ++e;
    }
    if (e <= 0 || e >= 255) return a / b;
    return uintBitsToFloat(((x ^ y) & 0x80000000u) | ((uint(e) << 23) + (rounded - 0x800000u)));
}

/// sqrt(a), rounded to the nearest; the device's own of what is not positive and normal.
float root(float a) {
    const uint x = floatBitsToUint(a);
    const uint ex = x >> 23;
    if (ex == 0u || ex >= 255u) return sqrt(a);
    const uint m = (x & 0x7FFFFFu) | 0x800000u;
    const int e = int(ex) - 127;
    const int odd = e & 1;
    const int shift = 25 + odd;  // the root of m · 2^shift has 24 bits and one more to round by
    uint y = 0u, rest = 0u;
    for (int i = 24; i >= 0; --i) {
        const int at = 2 * i - shift;
        const uint pair = at >= 0 ? (m >> at) & 3u : at == -1 ? (m << 1) & 3u : 0u;
        rest = (rest << 2) | pair;
        const uint trial = (y << 2) | 1u;
        y <<= 1;
        if (rest >= trial) {
            rest -= trial;
            y |= 1u;
        }
    }
    uint rounded = y >> 1;
    if ((y & 1u) != 0u && (rest != 0u || (rounded & 1u) != 0u)) ++rounded;
    const uint exponent = uint((e - odd) / 2 + 127);
    return uintBitsToFloat((exponent << 23) + (rounded - 0x800000u));
}
