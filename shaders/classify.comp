#version 450
// logits[b][k] = Σ_c x[b][c] w[k][c] + bias[k], added up by 16 lanes; x is tanh(pooled) by now.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push { uint columns, labels, weight, bias; } p;
layout(set = 0, binding = 0) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 1) restrict readonly buffer From { float from[]; };
layout(set = 0, binding = 2) restrict writeonly buffer Logits { float logits[]; };
#include "batch.glsl"
#include "lanes.glsl"

void main() {
    const uint lane = gl_LocalInvocationID.x % 16u;
    const uint label = gl_WorkGroupID.x * 4u + gl_LocalInvocationID.x / 16u;
    const uint text = gl_WorkGroupID.y;
    const bool there = label < p.labels && text < sizes.texts;
    const uint columns = there ? p.columns : 0u;
    precise float sum = 0.0;
    for (uint c = lane; c < columns; c += 16u) {
        precise float product = from[text * p.columns + c]
                              * uintBitsToFloat(parameters[p.weight + label * p.columns + c]);
        sum = sum + product;
    }
    precise float logit = fold(sum);
    if (!there || lane != 0u) return;
    logit = logit + uintBitsToFloat(parameters[p.bias + label]);
    logits[text * p.labels + label] = logit;
}
