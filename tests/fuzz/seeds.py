#!/usr/bin/env python3
"""Writes a small seed corpus: seeds.py FUZZER FOLDER. One file of each kind that the fuzzer reads; standard library only."""
import json
import os
import struct
import sys
import zlib


def header(tensors, metadata):
    described, begin = {}, 0
    for name, dtype, shape, size in tensors:
        described[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, begin + size]}
        begin += size
    return json.dumps({"__metadata__": metadata, **described}).encode()


def record(tensors, metadata):
    text = header(tensors, metadata)
    text += b" " * (-(8 + len(text)) % 64)
    data = b"".join(struct.pack("<B", i % 251) for i in range(sum(size for *_, size in tensors)))
    return struct.pack("<Q", len(text)) + text + data


SMALL = [("data", "F32", [2, 3], 24)]
BATCH = [("data", "F64", [2, 2, 1], 32), ("clean", "U8", [2, 2, 1], 4)]
HISTORY = '[{"argv":["noise","gaussian","--sigma","0.1"],"seed":1,"version":"0.1.0"}]'


def place(index, last, **more):
    return {"stream.index": str(index), **({"stream.last": "1"} if last else {}), "axes": "HW", **more}


def headers():
    yield b"{}"
    yield header(SMALL, {"format": "noiseutils/1", "axes": "HW", "history": HISTORY})
    yield header(BATCH, {"id": '["a","b"]', "axes": "NHW"})
    yield header([(d, d, [1], s) for d, s in (("F16", 2), ("BF16", 2), ("I64", 8), ("BOOL", 1), ("U32", 4))], {})


def streams():
    yield record(SMALL, {})
    yield record(BATCH, {"axes": "NHW", "id": '["a","b"]', "stream.index": "0", "stream.count": "2", "stream.last": "1"})
    yield record(SMALL, place(0, False)) + record(SMALL, place(1, True, history=HISTORY))
    yield record(SMALL, place(0, True)) + record([("data", "I16", [0], 0)], {})


def states():
    """Laid out as the states of train-linear; most claim more, or less, than their tensors hold."""
    moments = [("count", "I64", [], 8), ("mean", "F64", [2], 16), ("scatter", "F64", [3], 24), ("edge_index", "I64", [1], 8),
               ("edge_rows", "F32", [1, 2], 8), ("noise_variance_sum", "F64", [], 8)]
    levels = [(f"level.0.{name}", *rest) for name, *rest in moments[:-1]] + [("center", "F64", [0], 0)]
    for kind, shape, options in (("gaussian", "[2]", {}), ("distill", "[1]", {"sigma": ["0.1"]}), ("distill", "[0]", {"sigma": ["0.1"]}),
                                 ("distill", "[60000]", {"sigma": ["0.1"]}), ("gaussian", "[2]", {"sketch": ["2"]}),
                                 ("gaussian", "[60000]", {"sketch": ["16000"], "sketch-by": ["frequent-directions"]})):
        yield record(moments + levels, {
            "state.kind": kind, "state.axes": "D", "state.shape": shape, "state.patch": "0", "state.stride": "1",
            "state.dtype": "F32", "state.options": json.dumps(options), "state.noise": "", "state.samples": "[]",
            "state.ranges": "[[0,3]]"})


def png(depth, colour, row):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, depth, colour, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress((b"\0" + row) * 2)) + chunk(b"IEND", b""))


def tiff(order, bits, sample_format, data):
    def pack(layout, *values):
        return struct.pack(order + layout, *values)

    tags = [(256, 3, 2), (257, 3, 2), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 3, 2),
            (279, 4, len(data)), (339, 3, sample_format)]
    body = pack("H", len(tags))
    for tag, kind, value in tags:
        body += pack("HHI", tag, kind, 1) + (pack("HH", value, 0) if kind == 3 else pack("I", value))
    return {"<": b"II", ">": b"MM"}[order] + pack("HI", 42, 8 + len(data)) + data + body + pack("I", 0)


def npy(version, descr, fortran, data):
    text = repr({"descr": descr, "fortran_order": fortran, "shape": (2, 2)}).encode() + b"\n"
    return b"\x93NUMPY" + bytes((version, 0)) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def files():
    yield from (b"P1 2 2\n1 0 0 1\n", b"P2 2 2 255\n1 2 3 4\n", b"P3 1 1 9\n1 2 3\n", b"P4 2 2\n\x80\x40")
    yield from (b"P5 2 2 255\n1234", b"P5 # c\n2 1 65535\n1234", b"P6 1 1 255\n123")
    yield from (b"Pf 2 1\n-1.0\n" + bytes(8), b"PF 1 1\n1.0\n" + bytes(12))
    yield from (npy(1, "<f4", False, bytes(16)), npy(2, ">i2", True, bytes(8)), npy(3, "|u1", False, bytes(4)))
    yield from (png(8, 0, b"12"), png(16, 2, bytes(12)), png(8, 6, bytes(8)), png(1, 0, b"\x80"))
    yield from (tiff("<", 8, 1, b"1234"), tiff(">", 16, 1, bytes(8)), tiff("<", 32, 3, bytes(16)))
    yield (b"BM" + struct.pack("<IHHI", 58 + 16, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, 2, 2, 1, 24, 0, 16, 0, 0, 0, 0)
           + bytes(16))


def main():
    name, folder = sys.argv[1:]
    kinds = {"fuzz_header": [headers], "fuzz_stream": [streams], "fuzz_noise": [streams], "fuzz_model": [streams, files, states], "fuzz_metric": []}.get(name, [streams, files])
    for number, content in enumerate(c for kind in kinds for c in kind()):
        with open(os.path.join(folder, f"seed-{number}"), "wb") as file:
            file.write(content)


main()
