#!/usr/bin/env python3
"""Reads and writes safetensors with the standard library alone, sharing no code with bipft.

    check_safetensors.py read FOLDER     checks NAME.safetensors against NAME.txt, bipft's reading
    check_safetensors.py write FOLDER [COUNT]    writes them, and in NAME.txt what must be read

By hand, in a build folder (bipft_tests is the test program):
    mkdir ours theirs
    BIPFT_TEST_SAFETENSORS_OUT=ours ./bipft_tests --test-case='save_safetensors: files for*'
    check_safetensors.py read ours
    check_safetensors.py write theirs 300
    BIPFT_TEST_SAFETENSORS=theirs ./bipft_tests --test-case='Safetensors: reads what*'
"""

import hashlib
import json
import pathlib
import random
import struct
import sys

BITS = {"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8,
        "F8_E4M3": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16,
        "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64,
        "U64": 64}


def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "a key twice"
    return dict(pairs)


def size_of(dtype, shape):
    bits = BITS[dtype]
    for extent in shape:
        bits *= extent
    assert bits % 8 == 0
    return bits // 8


def described(metadata, tensors):
    """tensors: (name, dtype, shape, bytes) in the order of their data."""
    lines = [f"M {key.encode().hex()} {value.encode().hex()}" for key, value in metadata]
    lines += [f"T {name.encode().hex()} {dtype} {''.join(f'{n},' for n in shape)} "
              f"{hashlib.sha256(data).hexdigest()}" for name, dtype, shape, data in tensors]
    return "".join(line + "\n" for line in lines)


def read(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header_bytes, data = raw[8:8 + length], raw[8 + length:]
    assert len(header_bytes) == length and header_bytes[:1] == b"{"
    assert (8 + length) % 64 == 0, "data is not aligned"
    assert header_bytes.rstrip(b" ")[-1:] == b"}"
    header = json.loads(header_bytes.decode("utf-8"), object_pairs_hook=once)
    metadata = header.pop("__metadata__", {})
    end = 0
    tensors = []
    for name, entry in header.items():  # bipft writes the header in the order of the data
        assert list(entry) == ["dtype", "shape", "data_offsets"]
        begin, stop = entry["data_offsets"]
        assert begin == end and stop - begin == size_of(entry["dtype"], entry["shape"]), name
        tensors.append((name, entry["dtype"], entry["shape"], data[begin:stop]))
        end = stop
    assert end == len(data)
    if "zz.sha256" in header:
        assert tensors[-1][0] == "zz.sha256" and metadata["bipft.checksum"] == "sha256"
        assert tensors[-1][3] == hashlib.sha256(raw[:-32]).digest()
    return described(metadata.items(), tensors)


def write(path, seed):
    rng = random.Random(seed)
    keys = ["format", "ä\n", "\U0001F600"]
    metadata = [(rng.choice(keys) + str(i), "x\t\"\\/" * rng.randrange(3))
                for i in range(rng.randrange(3))]
    tensors = []
    for i in range(rng.randrange(10)):
        dtype = rng.choice([name for name, bits in BITS.items() if bits % 8 == 0] + ["F4"])
        shape = [rng.randrange(5) for _ in range(rng.randrange(5))]
        if dtype == "F4":
            shape.append(2)
        tensors.append((f"tensor.{i}." + rng.choice(["a", "ß", "\x7f", "\u2028"]), dtype, shape,
                        rng.randbytes(size_of(dtype, shape))))
    header, offset = {}, 0
    for name, dtype, shape, data in tensors:
        offsets = [offset, offset + len(data)]
        header[name] = {"shape": shape, "data_offsets": offsets, "dtype": dtype}
        offset += len(data)
    items = list(header.items())
    rng.shuffle(items)  # any order of the header is allowed
    if metadata:
        items.insert(rng.randrange(len(items) + 1), ("__metadata__", dict(metadata)))
    text = json.dumps(dict(items), ensure_ascii=rng.random() < 0.5,
                      indent=rng.choice([None, None, 1])).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t[3] for t in tensors))
    # Of tensors that begin together, empty ones come first, in the order of the header.
    place = {name: i for i, (name, _) in enumerate(items)}
    begins, offset = {}, 0
    for name, _, _, data in tensors:
        begins[name] = (offset, offset + len(data), place[name])
        offset += len(data)
    tensors.sort(key=lambda t: begins[t[0]])
    path.with_suffix(".txt").write_text(described(metadata, tensors))


def main():
    action, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if action == "read":
        files = sorted(folder.glob("*.safetensors"))
        for path in files:
            assert read(path) == path.with_suffix(".txt").read_text(), path
        print(f"{len(files)} files agree")
    elif action == "write":
        count = int(sys.argv[3]) if len(sys.argv) > 3 else 8
        for seed in range(count):
            write(folder / f"{seed}.safetensors", seed)
        print(f"{count} files written")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
