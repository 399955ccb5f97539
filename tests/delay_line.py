"""A foreign program between two of ours: splices standard input to standard output without looking at it, and holds
pages of up to 8 pipes meanwhile. Whoever writes again to pages that it gave to a pipe is found out."""
import collections, fcntl, os

F_SETPIPE_SZ = 1031
PIPE = 1 << 18  # 8 of them in each of two processes stay below the limit of a user without privileges
free, held = collections.deque(), collections.deque()
for _ in range(8):
    read, write = os.pipe()
    fcntl.fcntl(write, F_SETPIPE_SZ, PIPE)
    free.append((read, write))


def let_go():
    (read, write), count = held.popleft()
    while count:
        count -= os.splice(read, 1, count)
    free.append((read, write))


while True:
    if not free:
        let_go()
    pipe = free.popleft()
    count = os.splice(0, pipe[1], PIPE)
    if count == 0:
        break
    held.append((pipe, count))
while held:
    let_go()
