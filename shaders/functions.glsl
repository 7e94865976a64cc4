// exp, tanh and GELU, operation by operation those of the CPU's kernels (kernels/body/elements.inl).

float power_of_two(float k) {
    precise float sum = k + (12582912.0 + 127.0);
    return uintBitsToFloat(floatBitsToUint(sum) << 23);
}

float nearest(float x) {
    precise float up = x + 12582912.0;
    precise float y = up - 12582912.0;
    return y;
}

float exponential(float x) {
    x = 89.0 < x ? 89.0 : x;
    x = -105.0 > x ? -105.0 : x;
    precise float scaled = x * 1.44269504;
    const float k = nearest(scaled);
    precise float high = k * 0.693359375;
    precise float low = k * -2.12194440e-4;
    precise float r = x - high;
    r = r - low;
    precise float p = 0.001381448;
    p = p * r + 0.00836877991;
    p = p * r + 0.0416683927;
    p = p * r + 0.166665196;
    p = p * r + 0.49999994;
    precise float square = r * r;
    precise float tail = square * p;
    precise float y = r + tail;
    y = 1.0 + y;
    precise float scaled_half = k * 0.5;
    const float half_k = nearest(scaled_half);
    precise float other = k - half_k;
    precise float first = y * power_of_two(half_k);
    precise float result = first * power_of_two(other);
    return result;
}

float hyperbolic_tangent(float x) {
    const float a = abs(x);
    precise float square = x * x;
    precise float p = -0.00570499245;
    p = p * square + 0.0206390936;
    p = p * square + -0.0537397191;
    p = p * square + 0.133314416;
    p = p * square + -0.333332807;
    precise float cube = x * square;
    precise float bend = cube * p;
    precise float near = x + bend;
    precise float twice = a + a;
    precise float e = exponential(twice) + 1.0;
    precise float far = 1.0 - divide(2.0, e);
    const uint sign = floatBitsToUint(x) & 0x80000000u;
    return 0.625 > a ? near : uintBitsToFloat((floatBitsToUint(far) & 0x7FFFFFFFu) | sign);
}

float gelu(float x) {
    const float magnitude = abs(x);
    const float a = 15.0 < magnitude ? 15.0 : magnitude;
    precise float above = a + 4.0;
    const float t = divide(1.0, above);
    precise float below = a - 4.0;
    precise float s = below * t;
    precise float square = a * a;
    precise float exponent = square * -0.5;
    precise float p = -0.000131970199;
    p = p * s + 0.000179355513;
    p = p * s + 0.00156992138;
    p = p * s + -0.00351255527;
    p = p * s + -0.00752527034;
    p = p * s + 0.0604038313;
    p = p * s + -0.186523438;
    p = p * s + 0.387136906;
    p = p * s + -0.607896566;
    p = p * s + 0.755285144;
    precise float bell = exponential(exponent) * t;
    precise float tail = bell * p;
    precise float rest = 1.0 - tail;
    precise float y = x * (0.0 > x ? tail : rest);
    const float least = uintBitsToFloat(0x80000001u);
    return 0.0 > x && !(y < 0.0) ? least : y;
}
