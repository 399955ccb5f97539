#!/usr/bin/env bats
# sample: there and back (--invert), codes (--encode, --decode), and what lies between (--interpolate).
load helpers

setup_file() {
  load helpers
  cd "$BATS_FILE_TMPDIR" || return
  noise dead-leaves -n 300 --seed 4 --height 6 --width 5 -o leaves.nst
  train-linear gaussian --shrink none leaves.nst -o model.safetensors
  train-linear gaussian leaves.nst -o other.safetensors
  tensor head -n 5 leaves.nst -o clean.nst
  tensor slice --from 5 --to 10 leaves.nst -o more.nst
}

setup() { cd "$BATS_FILE_TMPDIR" || return; }

# largest_error A B: of the root mean square errors of the samples.
largest_error() { metric rmse --reference "$1" "$2" --format json | jq -s 'map(.rmse) | max'; }

# there_and_back OPTIONS...: clean.nst to latents.nst to back.nst
there_and_back() {
  sample --model model.safetensors --dtype F64 "$@" --invert --init clean.nst -o latents.nst
  sample --model model.safetensors --dtype F64 "$@" --init latents.nst -o back.nst
}

@test "sample --invert: the way back ends at the samples, exactly by bdia, edict and fixed-point ddim" {
  there_and_back --steps 20
  close_to "$(largest_error clean.nst back.nst)" 0.2 0.199
  there_and_back --steps 20 --fixed-point 500 --sigma-min 0.002
  close_to "$(largest_error clean.nst back.nst)" 0 1e-12
  there_and_back --sampler bdia
  close_to "$(largest_error clean.nst back.nst)" 0 1e-11
  there_and_back --sampler bdia --schedule vp --steps 30 --gamma-bdia 0.9
  close_to "$(largest_error clean.nst back.nst)" 0 1e-9
  there_and_back --sampler edict --schedule vp --steps 10
  close_to "$(largest_error clean.nst back.nst)" 0 1e-12
  there_and_back --sampler edict --leapfrog --mixing 0.9
  close_to "$(largest_error clean.nst back.nst)" 0 1e-12
  there_and_back --sampler ddpm-inversion --sigma-min 0.0001
  close_to "$(largest_error clean.nst back.nst)" 0 1e-3
}

@test "sample: ddim inversion, bdia, edict and ddpm-inversion equal transcriptions into numpy" {
  needs numpy
  run=(sample --model model.safetensors --dtype F64 --schedule vp --steps 9)
  "${run[@]}" --sampler ddim --invert --init clean.nst -o ddim.npy
  "${run[@]}" --sampler bdia --gamma-bdia 0.8 --invert --init clean.nst -o bdia.npy
  "${run[@]}" --sampler edict --invert --init clean.nst -o edict.npy
  "${run[@]}" --sampler ddpm-inversion --invert --init clean.nst -o noises.nst
  "${run[@]}" --sampler ddpm-inversion --init noises.nst -o edited.npy
  tensor convert --dtype F64 clean.nst -o clean.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
U = U.T
x = np.load("clean.npy").reshape(5, 30)
t = np.linspace(1, 1e-3, 9); B = .1*t + 9.95*t*t
alpha = np.append(np.exp(-B/2), 1); sigma = np.append(np.sqrt(1 - np.exp(-B)), 0); N = 9
def x0(z, i):  # of a state z = alpha x_0 + sigma n
    s = sigma[i]/alpha[i]
    return mu + ((z/alpha[i] - mu) @ U * (lam/(lam + s*s))) @ U.T
def eps(z, i): return (z - alpha[i]*x0(z, i))/sigma[i]
def to(z, i, j): return alpha[j]*x0(z, i) + sigma[j]*eps(z, i)
def back(z, i):  # from i + 1 to i, by the noise at i + 1, at the end by that at i
    if sigma[i + 1] > 0: return to(z, i + 1, i)
    return alpha[i]*(z + sigma[i]/alpha[i]*eps(alpha[i]*z, i))
def check(name, z, tolerance):
    got = np.load(name).reshape(5, 30)
    z = z/alpha[0]
    assert np.abs(got - z).max() < tolerance*np.abs(z).max(), (name, np.abs(got - z).max(), np.abs(z).max())
z = x
for i in range(N - 1, -1, -1): z = back(z, i)
check("ddim.npy", z, 1e-6)
later, z, gamma = x, back(x, N - 1), .8
for i in range(N - 1, 0, -1):  # z_(i+1) = DDIM(i,i+1) + gamma (z_(i-1) - DDIM(i,i-1))
    z, later = to(z, i, i - 1) + (later - to(z, i, i + 1))/gamma, z
check("bdia.npy", z, 1e-5)
u = v = x; p = .93
for i in range(N - 1, -1, -1):
    a = alpha[i + 1]/alpha[i]; b = sigma[i + 1] - a*sigma[i]
    v = (v - (1 - p)*u)/p; u = (u - (1 - p)*v)/p
    v = (v - b*eps(u, i))/a; u = (u - b*eps(v, i))/a
check("edict.npy", u, 1e-5)
# DDPM along the noises that the record holds.
for k, (tensors, _) in enumerate(read_records(open("noises.nst", "rb"))):
    z = alpha[0]*tensors["data"].reshape(30)
    for i in range(N):
        r = alpha[i]**2/alpha[i + 1]**2
        mean = (z - (1 - r)/sigma[i]*eps(z, i))/np.sqrt(r)
        std = sigma[i + 1]/sigma[i]*np.sqrt(1 - r)
        z = mean + (std*tensors["latent.noise"][i].reshape(30) if i + 1 < N else 0)
    got = np.load("edited.npy")[k].reshape(30)
    assert np.abs(got - z).max() < 1e-6, np.abs(got - z).max()
END_OF_PYTHON
}

@test "sample --invert: latents are x(s_0) of the schedule, about s_0 n; a part of it by --from-sigma" {
  sample --model model.safetensors --dtype F64 --invert --steps 200 --init leaves.nst -o latents.npy
  sample --model model.safetensors --dtype F64 --invert --steps 200 --from-sigma 0.3 --init leaves.nst -o part.nst
  sample --model model.safetensors --dtype F64 --steps 200 --from-sigma 0.3 --init part.nst -o back.nst
  close_to "$(largest_error leaves.nst back.nst)" 0 0.02
  needs numpy
  tensor convert part.nst -o part.npy
  tensor convert --dtype F64 leaves.nst -o leaves.npy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import numpy as np
from noiseutils_stream import read_records
model = next(iter(read_records(open("model.safetensors", "rb"))))[0]
mu, lam, U = (model[k].astype(float) for k in ("mean", "eigenvalues", "eigenvectors"))
U = U.T
keep = lam > 1e-2  # finer directions are not resolved by these steps
x = (np.load("leaves.npy").reshape(-1, 30) - mu) @ U
for name, s in (("latents", 80), ("part", .3)):  # the flow, and its covariance lambda + s^2
    z = (np.load(name + ".npy").reshape(-1, 30) - mu) @ U
    flow = x*np.sqrt((lam + s*s)/lam)
    assert np.abs(z - flow)[:, keep].max() < .1*np.abs(flow)[:, keep].max(), name
END_OF_PYTHON
}

@test "sample --invertible: what a sampler made goes back to where it came from" {
  for sampler in bdia edict; do
    run=(sample --model model.safetensors --sampler "$sampler" --dtype F64)
    "${run[@]}" -n 3 --seed 5 --invertible -o made.nst
    "${run[@]}" -n 3 --seed 5 -o plain.nst
    # The steps one by one, and all at once: eigenvectors in a file (F32) are orthonormal to 1e-7, the start is about 80.
    close_to "$(largest_error plain.nst made.nst)" 0 1e-4
    "${run[@]}" --invert --init made.nst -o latents.nst
    "${run[@]}" --init latents.nst --invertible -o again.nst
    close_to "$(largest_error made.nst again.nst)" 0 1e-11
    # Both states of a pair came from one: the latents are those of ddim's first state, 80 n of the seed.
    sample --model model.safetensors --dtype F64 -n 3 --seed 5 --sampler ddim --trajectory -o states.npy
    tensor convert latents.nst -o latents.npy
    needs numpy
    py -c '
import numpy as np
a, b = np.load("states.npy")[:, 0], np.load("latents.npy")
assert np.abs(a - b).max() < 1e-8, np.abs(a - b).max()'
  done
}

@test "sample --invert: metadata, companions and their shapes; threads and an array job give the same bytes" {
  sample --model model.safetensors --sampler ddpm-inversion --invert --steps 7 --init clean.nst --seed 3 -o whole.nst
  tensor head -n 1 whole.nst | tensor info >info.json
  [ "$(jq -r '."latent.noise_shape", .data_shape' info.json | tr '\n' ' ')" = "[6,6,5] [6,5] " ]
  jq -r .sampler info.json | jq -e '.task == "invert" and .nfe == 6 and .seed == 3'
  sample --model model.safetensors --sampler ddpm-inversion --invert --steps 7 --init clean.nst --seed 3 --threads 3 -o three.nst
  cmp whole.nst three.nst
  tensor slice --from 0 --to 2 clean.nst -o first.nst
  tensor slice --from 2 --to 5 clean.nst -o second.nst
  sample --model model.safetensors --sampler ddpm-inversion --invert --steps 7 --init first.nst --seed 3 -o part-0.nst
  sample --model model.safetensors --sampler ddpm-inversion --invert --steps 7 --init second.nst --first-index 2 --seed 3 -o part-1.nst
  tensor cat --restream part-0.nst part-1.nst -o joined.nst
  cmp whole.nst joined.nst
  sample --model model.safetensors --sampler bdia --invert --steps 7 --init clean.nst --trajectory -o states.nst
  [ "$(tensor head -n 1 states.nst | tensor info | jq -r '.axes, .data_shape' | tr '\n' ' ')" = "THW [8,6,5] " ]
  # A batch in one file is as good.
  sample --model model.safetensors --sampler ddpm-inversion --init whole.nst --steps 7 -o a.npy
  tensor stack whole.nst -o stacked.nst
  sample --model model.safetensors --sampler ddpm-inversion --init stacked.nst --steps 7 -o b.npy
  cmp a.npy b.npy
}

@test "sample --invert: companions of another run, or none, are refused" {
  run=(sample --model model.safetensors --dtype F64)
  "${run[@]}" --sampler edict --invert --steps 8 --init clean.nst -o edict.nst
  "${run[@]}" --sampler ddpm-inversion --invert --steps 8 --init clean.nst -o noises.nst
  fails_with 65 "${run[@]}" --sampler bdia --steps 8 --init edict.nst | grep -F -- '--sampler edict, not bdia'
  fails_with 65 "${run[@]}" --sampler edict --steps 9 --init edict.nst | grep -F -- '--steps 8, not 9'
  fails_with 65 "${run[@]}" --sampler edict --steps 8 --mixing 0.9 --init edict.nst | grep -F -- '--mixing 0.93, not 0.9'
  fails_with 65 "${run[@]}" --sampler ddpm-inversion --steps 8 --schedule ve --init noises.nst
  # The same records without their companions.
  needs numpy
  PYTHONPATH=$BATS_TEST_DIRNAME/../scripts/examples py - <<'END_OF_PYTHON'
import json
from noiseutils_stream import read_records
def strip(name, out):
    with open(out, "wb") as f:
        for tensors, metadata in read_records(open(name, "rb")):
            data = tensors["data"]
            header = json.dumps({"__metadata__": metadata, "data": {"dtype": "F64", "shape": data.shape,
                                 "data_offsets": [0, data.nbytes]}}).encode()
            header += b" "*(-(8 + len(header)) % 64)
            f.write(len(header).to_bytes(8, "little") + header + data.tobytes())
strip("edict.nst", "lost.nst")
END_OF_PYTHON
  fails_with 65 "${run[@]}" --sampler edict --steps 8 --init lost.nst | grep -F latent.pair
  tensor convert edict.nst -o plain.npy # tells nothing: a state like any other
  "${run[@]}" --sampler edict --steps 8 --init plain.npy -o any.npy
}

@test "sample --encode, --decode: the encoder's very values on any number of threads, in parts, by a pipe" {
  run=(sample --model model.safetensors)
  "${run[@]}" --encode --init clean.nst --steps 40 --codebook 64 --codes 2 --seed 9 -o codes.nst
  tensor info codes.nst >info.json
  [ "$(jq -r '.data_dtype, .data_shape, .axes' info.json | head -n 3 | tr '\n' ' ')" = "U8 [74] D " ] # 39 (2 log2 64 + 3) bits
  "${run[@]}" --decode --init codes.nst -o decoded.nst
  "${run[@]}" --decode --init codes.nst --threads 3 -o three.nst
  cmp decoded.nst three.nst
  "${run[@]}" --encode --init clean.nst --steps 40 --codebook 64 --codes 2 --seed 9 --threads 3 | "${run[@]}" --decode --init - -o piped.nst
  cmp decoded.nst piped.nst
  tensor slice --from 3 --to 5 codes.nst -o part.nst
  "${run[@]}" --decode --init part.nst --first-index 3 -o part.npy
  tensor slice --from 3 --to 5 decoded.nst -o whole.npy
  cmp part.npy whole.npy
  # What the encoder says of the error is the error.
  head -n 1 info.json | jq -r .sampler >sampler.json
  metric mse --reference clean.nst decoded.nst --format json >mse.json
  close_to "$(jq .mse sampler.json)" "$(value mse mse.json)" 1e-6
  close_to "$(jq .bits_per_dimension sampler.json)" "$(jq -n '8*74/30')" 1e-12
}

@test "sample --encode: more bits, less error; as a decoder another program, a command, and doubles" {
  for bits in 1 4 9; do
    sample --model model.safetensors --encode --init leaves.nst --steps 60 --codebook $((1 << bits)) -o codes.nst
    tensor info codes.nst | jq -r .sampler | jq -s 'map(.mse) | add / length' >error-$bits
  done
  awk 'NR == 1 { last = $1; next } $1 > 0.6 * last { exit 1 } { last = $1 }' error-1 error-4 error-9
  sample --denoiser "denoise --model $PWD/model.safetensors" --encode --init clean.nst --steps 6 --dtype F64 -o codes.nst
  sample --denoiser "denoise --model $PWD/model.safetensors" --shape 6,5 --decode --init codes.nst -o back.nst
  [ "$(tensor head -n 1 back.nst | tensor info | jq -r .data_dtype)" = F64 ]
}

@test "sample --decode: bad input" {
  run=(sample --model model.safetensors)
  "${run[@]}" --encode --init clean.nst --steps 12 --codebook 10 -o codes.nst
  fails_with 65 sample --model other.safetensors --decode --init codes.nst -o never.npy | grep -F 'another model'
  fails_with 64 "${run[@]}" --decode --init codes.nst --steps 12 -o never.npy | grep -F -- '--steps is told'
  fails_with 64 "${run[@]}" --decode --init codes.nst --seed 1 -o never.npy
  fails_with 65 "${run[@]}" --decode --init clean.nst -o never.npy
  head -c -20 codes.nst >cut.nst
  fails_with 65 "${run[@]}" --decode --init cut.nst -o never.npy
  tensor convert --dtype F32 codes.nst -o floats.nst
  fails_with 65 "${run[@]}" --decode --init floats.nst -o never.npy
  tensor convert codes.nst -o codes.npy # bytes without options
  fails_with 65 "${run[@]}" --decode --init codes.npy -o never.npy
  # Codes above 9, all bits set.
  size=$(stat -c %s codes.nst)
  { head -c $((size - 6)) codes.nst; printf '\xff\xff\xff\xff\xff\xff'; } >damaged.nst
  fails_with 65 "${run[@]}" --decode --init damaged.nst -o never.npy | grep -F damaged
  [ ! -e never.npy ] && [ ! -e never.npy.partial ]
}

@test "sample --interpolate: the ends are the round trips, and what lies between is a sample by the mixed latent" {
  run=(sample --model model.safetensors --steps 300 --dtype F64)
  "${run[@]}" --interpolate clean.nst more.nst --frames 5 -o between.nst
  [ "$(tensor info between.nst | wc -l)" -eq 25 ]
  tensor info between.nst | jq -r .sampler | jq -e -s 'map(.fraction) == [range(5) as $p | (0, 0.25, 0.5, 0.75, 1)]'
  tensor info between.nst | jq -r .sampler | jq -e -s 'all(.task == "interpolate" and .blend == "slerp")'
  for end in clean more; do
    "${run[@]}" --invert --init $end.nst -o latents-$end.nst
    "${run[@]}" --init latents-$end.nst -o back-$end.nst
    tensor convert latents-$end.nst -o latents-$end.npy
  done
  tensor slice --from 5 --to 6 between.nst -o first.nst
  tensor slice --from 1 --to 2 back-clean.nst -o expected.nst
  close_to "$(largest_error expected.nst first.nst)" 0 1e-10
  tensor slice --from 24 --to 25 between.nst -o last.nst
  tensor slice --from 4 --to 5 back-more.nst -o expected.nst
  close_to "$(largest_error expected.nst last.nst)" 0 1e-10
  needs numpy
  py - <<'END_OF_PYTHON'
import numpy as np
a, b = (np.load("latents-" + f + ".npy") for f in ("clean", "more"))
def slerp(a, b, f):
    t = np.arccos((a*b).sum()/np.sqrt((a*a).sum()*(b*b).sum()))
    return (np.sin((1 - f)*t)*a + np.sin(f*t)*b)/np.sin(t)
np.save("mixed.npy", np.array([slerp(a[p], b[p], f) for p in range(5) for f in np.linspace(0, 1, 5)]))
END_OF_PYTHON
  "${run[@]}" --sampler ddim --init mixed.npy -o mixed.nst # all steps at once
  close_to "$(largest_error mixed.nst between.nst)" 0 1e-4
  "${run[@]}" --interpolate clean.nst more.nst --frames 5 --threads 3 -o three.nst
  cmp between.nst three.nst
  sample --model model.safetensors --interpolate clean.nst more.nst --blend noisediffusion --blend-noise 0.2 --frames 2 -o noisy.nst
  sample --model model.safetensors --interpolate clean.nst more.nst --blend linear --sampler bdia --frames 2 -o straight.nst
}

@test "sample: bad input to what edits" {
  run=(sample --model model.safetensors)
  fails_with 64 "${run[@]}" --invert
  fails_with 64 "${run[@]}" --invert --encode --init clean.nst | grep -F exclude
  fails_with 64 "${run[@]}" --invert --init clean.nst --sampler exact | grep -F 'these have one: ddim, '
  fails_with 64 "${run[@]}" --invert --init clean.nst --sampler ddcm | grep -F -- --encode
  fails_with 64 "${run[@]}" --invert --init clean.nst --schedule zero-snr
  fails_with 64 "${run[@]}" --encode --init clean.nst --sampler ddim
  fails_with 64 "${run[@]}" --encode --init clean.nst --steps 1
  fails_with 64 "${run[@]}" --encode --init clean.nst --codebook 0
  fails_with 64 "${run[@]}" --encode --init clean.nst --trajectory
  fails_with 64 "${run[@]}" --interpolate clean.nst
  fails_with 64 "${run[@]}" --interpolate clean.nst more.nst --frames 1
  fails_with 64 "${run[@]}" --interpolate clean.nst more.nst --blend-noise 0.1
  fails_with 64 "${run[@]}" --interpolate clean.nst more.nst --sampler ddpm-inversion
  fails_with 64 "${run[@]}" --frames 3
  fails_with 64 "${run[@]}" clean.nst
  fails_with 66 "${run[@]}" --interpolate clean.nst missing.nst
  tensor head -n 2 more.nst -o two.nst
  fails_with 65 "${run[@]}" --interpolate clean.nst two.nst
  noise dead-leaves --height 4 --width 4 -o small.nst
  fails_with 65 "${run[@]}" --invert --init small.nst
  fails_with 65 "${run[@]}" --encode --init small.nst
  fails_with 65 "${run[@]}" --interpolate small.nst clean.nst
}

@test "sample --init: states that ddim's inverse made are refused along another schedule" {
  sample --model model.safetensors --invert --from-sigma 0.5 --init clean.nst -o latents.nst
  sample --model model.safetensors --init latents.nst --from-sigma 0.5 -o back.nst
  for other in "" "--from-sigma 0.6" "--from-sigma 0.5 --steps 9" "--from-sigma 0.5 --sigma-max 40"; do
    # shellcheck disable=SC2086
    run sample --model model.safetensors --init latents.nst $other -o none.nst
    [ "$status" -eq 65 ]
    [[ $output == *"start 0: it was made with"* ]]
    [ ! -e none.nst ]
  done
  # Another sampler may go on from them as it likes.
  sample --model model.safetensors --init latents.nst --sampler heun --from-sigma 0.5 -o other.nst
}
