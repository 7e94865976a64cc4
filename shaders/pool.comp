#version 450
// pooled = layer_norm(pooled) + hidden of each text's first token; sums as in norm.comp.
#extension GL_GOOGLE_include_directive : require
layout(local_size_x = 64) in;
layout(push_constant) uniform Push {
    uint columns, stride, gamma, beta;
    float epsilon;
} p;
layout(set = 0, binding = 0) restrict readonly buffer Parameters { uint parameters[]; };
layout(set = 0, binding = 1) restrict readonly buffer Hidden { float hidden[]; };
layout(set = 0, binding = 2) restrict buffer Pooled { float pooled[]; };
layout(set = 0, binding = 3) restrict readonly buffer Batch { uint batch[]; };
#include "batch.glsl"
#include "float.glsl"
#include "lanes.glsl"

void main() {
    const uint lane = gl_LocalInvocationID.x % 16u;
    const uint text = gl_WorkGroupID.y * 4u + gl_LocalInvocationID.x / 16u;
    const uint columns = text < sizes.texts ? p.columns : 0u;
    const uint begin = text * p.columns;
    const float count = float(p.columns);

    precise float sum = 0.0;
    for (uint c = lane; c < columns; c += 16u) sum = sum + pooled[begin + c];
    const float mean = divide(fold(sum), count);
    precise float squares = 0.0;
    for (uint c = lane; c < columns; c += 16u) {
        precise float apart = pooled[begin + c] - mean;
        precise float square = apart * apart;
        squares = squares + square;
    }
    precise float variance = divide(fold(squares), count) + p.epsilon;
    const float inverse = divide(1.0, root(variance));
    if (columns == 0u) return;
    const uint first = batch[section_begin * p.stride + text] * p.columns;
    for (uint c = lane; c < columns; c += 16u) {
        precise float y = pooled[begin + c] - mean;
        y = y * inverse;
        y = y * uintBitsToFloat(parameters[p.gamma + c]);
        y = y + uintBitsToFloat(parameters[p.beta + c]);
        y = y + hidden[first + c];
        pooled[begin + c] = y;
    }
}
