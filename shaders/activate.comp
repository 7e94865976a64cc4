#version 450
// x = f(x), number by number: 0 is ReLU, 1 is GELU, 2 is tanh. Rows are tokens or texts.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint columns, by_text, function; } p;
layout(set = 0, binding = 2) restrict buffer Values { float values[]; };
#include "batch.glsl"
#include "float.glsl"
#include "functions.glsl"

void main() {
    const uint c = gl_WorkGroupID.x * 64u + gl_LocalInvocationID.x, row = gl_WorkGroupID.y;
    const uint rows = p.by_text != 0u ? sizes.texts : sizes.tokens;
    if (c >= p.columns || row >= rows) return;
    const float x = values[row * p.columns + c];
    float y;
    if (p.function == 0u) {
        y = 0.0 > x ? 0.0 : x;
    } else if (p.function == 1u) {
        y = gelu(x);
    } else {
        y = hyperbolic_tangent(x);
    }
    values[row * p.columns + c] = y;
}
