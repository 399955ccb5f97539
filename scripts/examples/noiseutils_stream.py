"""Reads and writes noiseutils streams with numpy alone. As a program: doubles `data` of every record on the pipe."""
import json
import sys

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4",
          "I16": "<i2", "U16": "<u2", "I8": "i1", "U8": "u1", "BOOL": "?"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def _exactly(file, size):
    data = file.read(size)
    if len(data) != size:
        raise EOFError("the stream ends inside a record")
    return data


def read_records(file):
    """Yields (tensors, metadata) of each record; EOFError unless the stream ends where it may."""
    ended = True
    while word := file.read(8):
        header = json.loads(_exactly(file, int.from_bytes(word + _exactly(file, 8 - len(word)), "little")))
        metadata = header.pop("__metadata__", {})
        data = _exactly(file, max([entry["data_offsets"][1] for entry in header.values()], default=0))
        tensors = {name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]])
                   .reshape(entry["shape"]) for name, entry in header.items()}
        ended = "stream.index" not in metadata or "stream.last" in metadata
        yield tensors, metadata
    if not ended:
        raise EOFError("the stream ended early")


def write_record(file, tensors, metadata):
    """Writes one record: {name: array}, {key: string}, in canonical form."""
    header, offset = {"__metadata__": dict(sorted(metadata.items()))}, 0
    order = sorted(tensors, key=lambda name: (-tensors[name].itemsize, name))
    for name in order:
        end = offset + tensors[name].nbytes
        header[name] = {"dtype": NAMES[tensors[name].dtype], "shape": tensors[name].shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-(8 + len(text)) % 64)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in order:
        file.write(np.ascontiguousarray(tensors[name]).tobytes())
    file.flush()


if __name__ == "__main__":
    try:
        for tensors, metadata in read_records(sys.stdin.buffer):
            tensors["data"] = tensors["data"] * tensors["data"].dtype.type(2)
            write_record(sys.stdout.buffer, tensors, metadata)
    except (EOFError, KeyError) as error:  # KeyError: a dtype that numpy has not, such as BF16
        sys.exit(f"noiseutils_stream: {error}")
