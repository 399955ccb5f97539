"""Measures whole commands side by side, in turn, and prints medians and ratios: figures of one run, never a verdict."""
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time

RUNS = int(os.environ.get("BENCH_RUNS", "5"))
BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
os.environ["PATH"] = os.path.join(BUILD, "bin") + os.pathsep + os.environ["PATH"]
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def have(*programs):
    return all(shutil.which(program) for program in programs)


def python_with(*modules):
    """A Python that can import the modules, or None."""
    for python in ("python3", "/usr/bin/python3"):
        if have(python) and subprocess.run([python, "-c", "import " + ", ".join(modules)],
                                           capture_output=True).returncode == 0:
            return python
    return None


def run(command):
    """(cpu seconds, wall seconds) of a shell command and all that it starts; its output is not looked at."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(["bash", "-c", "set -o pipefail; " + command], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    wall, after = time.perf_counter() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command}\n{done.stderr.decode()}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def compare(title, commands, work=None, unit=""):
    """commands: {name: shell command}; the first is ours. Prints median cpu and wall seconds of each, and how many times
    as much each takes as the first. With `work` (in `unit`) also work per second of wall."""
    print(f"\n{title}   ({RUNS} runs in turn, medians; {os.cpu_count()} processors)")
    times = {name: [] for name in commands}
    for round_ in range(RUNS + 1):  # the first round warms up
        for name, command in commands.items():
            measured = run(command)
            if round_ > 0:
                times[name].append(measured)
    medians = {name: tuple(statistics.median(column) for column in zip(*rows)) for name, rows in times.items()}
    base = medians[next(iter(commands))]
    for name, (cpu, wall) in medians.items():
        rate = f"  {work / wall:8.2f} {unit}" if work else ""
        print(f"  {name:34} cpu {cpu:7.3f} s  x{cpu / base[0]:6.2f}   wall {wall:7.3f} s  x{wall / base[1]:6.2f}{rate}")
    return medians
