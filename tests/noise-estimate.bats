#!/usr/bin/env bats
# noise estimate: what is known of noise that was made is found again.
load helpers

setup() {
  needs jq
  cd "$BATS_TEST_TMPDIR" || return
  noise dead-leaves -n 2 --height 192 --width 192 --rmin 8 --rmax 80 -o clean.nst
}

# within KEY TRUTH RELATIVE FILE
within() { close_to "$(value "$1" "$4")" "$2" "$(awk -v t="$2" -v r="$3" 'BEGIN { print t * r }')"; }

@test "noise estimate: the family and its parameters" {
  noise gaussian --sigma 0.1 clean.nst | noise estimate >found
  [ "$(value family found)" = gaussian ]
  within sigma 0.1 0.05 found
  noise gamma --looks 60 clean.nst | noise estimate >found
  [ "$(value family found)" = gamma ]
  within looks 60 0.15 found
  noise poisson --zeta 0.01 clean.nst | noise estimate >found
  [ "$(value family found)" = poisson ]
  within zeta 0.01 0.15 found
  noise poisson-gaussian --gain 0.01 --read 0.05 clean.nst | noise estimate >found
  [ "$(value family found)" = poisson-gaussian ]
  within gain 0.01 0.3 found
  within read 0.05 0.3 found
}

@test "noise estimate: the range of the data does not matter" {
  needs numpy
  noise poisson-gaussian --gain 0.01 --read 0.05 clean.nst | tensor head -n 1 | tensor convert -o small.npy
  py -c "import numpy as np; np.save('large.npy', 4096 * np.load('small.npy'))"
  noise estimate small.npy large.npy >found
  jq -s -e '.[0].family == .[1].family and (.[1].gain / .[0].gain / 4096 - 1 | fabs) < 1e-6
    and (.[1].sigma / .[0].sigma / 4096 - 1 | fabs) < 1e-6' found
}

@test "noise estimate: every method, on numpy's noise, finds sigma" {
  needs numpy
  py -c "import numpy as np; np.save('n.npy', 3 + .2*np.random.default_rng(4).standard_normal((256, 256)))"
  for method in dct immerkaer mad pca level-sets; do
    noise estimate --method "$method" --family gaussian n.npy >found
    [ "$(value method found)" = "$method" ]
    close_to "$(value sigma found)" 0.2 "$(awk -v e="$(value sigma_se found)" 'BEGIN { print 5 * e }')"
    close_to "$(value sigma_se found)" 0 0.006
  done
}

@test "noise estimate: immerkaer and mad are numpy's figures by their formulas" {
  needs numpy
  noise gaussian --sigma 0.1 clean.nst | tensor head -n 1 | tensor convert -o y.npy
  py - >expected <<'END'
import numpy as np
y = np.load("y.npy").astype(float); y = y.reshape(y.shape[-2:])
second = lambda a: a[:-2] - 2*a[1:-1] + a[2:]
print(np.sqrt(np.pi/2)/6*np.abs(second(second(y).T)).mean())
d = (y[::2, ::2] - y[::2, 1::2] - y[1::2, ::2] + y[1::2, 1::2])/2
print(np.median(np.abs(d[d != 0]))/.6744897501960817)
END
  noise estimate --method immerkaer y.npy >found
  close_to "$(value sigma found)" "$(sed -n 1p expected)" 1e-9
  noise estimate --method mad y.npy >found
  close_to "$(value sigma found)" "$(sed -n 2p expected)" 1e-9
}

@test "noise estimate: references, samples and frames are captures alike" {
  noise poisson --zeta 0.02 --copies 6 clean.nst | tensor head -n 1 >copies.nst
  noise estimate copies.nst >found
  [ "$(value method found)" = repeats ]
  [ "$(value captures found)" = 6 ]
  [ "$(value family found)" = poisson ]
  within zeta 0.02 0.03 found
  awk -v p="$(value whiteness_p found)" 'BEGIN { exit !(p > 1e-4) }'
  needs numpy
  tensor head -n 1 clean.nst | tensor convert -o x.npy
  py - <<'END'
import numpy as np
x = np.load("x.npy").astype(float).reshape(1, 192, 192)
y = .02*np.random.default_rng(1).poisson(np.repeat(x, 6, 0)/.02)
np.save("frames.npy", y)
for k in range(6): np.save(f"frame-{k}.npy", y[k])
END
  noise estimate --repeats frame-?.npy >files
  noise estimate --repeats --axes THW frames.npy >frames
  diff <(jq -c 'del(.id)' files) <(jq -c 'del(.id)' frames)
  within zeta 0.02 0.03 files
  jq -e '.drift_shift_max < 0.2 and .drift_brightness_max < 0.02' files
}

@test "noise estimate: --tag lets denoise go on" {
  train-linear gaussian --patch 6 clean.nst -o model.safetensors
  noise gaussian --sigma 0.1 -k clean.nst | tensor convert -o noisy.nst
  noise estimate --tag noisy.nst -o tagged.nst
  noise estimate noisy.nst >found
  tensor info tagged.nst >info
  [ "$(value noise info | jq -r .family)" = gaussian ]
  [ "$(value noise info | jq -r .sigma)" = "$(value sigma found)" ]
  noise estimate --tag noisy.nst | denoise --model model.safetensors | metric psnr >psnr
  denoise --model model.safetensors --sigma 0.1 noisy.nst | metric psnr >known
  close_to "$(value psnr psnr)" "$(value psnr known)" 0.1
  tensor stack noisy.nst | noise estimate --tag | denoise --model model.safetensors | metric psnr >batch
  diff <(jq .psnr psnr) <(jq .psnr batch)
}

@test "noise estimate: channels apart and together, and samples pooled" {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(2)
np.save("colour.npy", np.stack([.5 + s*r.standard_normal((128, 128)) for s in (.1, .2, .3)])[None])
np.save("grey.npy", .5 + .2*r.standard_normal((128, 128)))
np.save("more.npy", .5 + .2*r.standard_normal((128, 128)))
END
  noise estimate --per-channel --family gaussian colour.npy >found
  [ "$(jq -r .channel found | tr '\n' ' ')" = "0 1 2 " ]
  for i in 1 2 3; do close_to "$(sed -n "${i}p" found | jq .sigma)" "0.$i" "0.0$i"; done
  [ "$(noise estimate colour.npy | wc -l)" = 1 ]
  noise estimate --pool --family gaussian grey.npy more.npy >pooled
  [ "$(value samples pooled)" = 2 ]
  close_to "$(value sigma pooled)" 0.2 0.01
  noise estimate --family gaussian grey.npy more.npy >apart
  [ "$(wc -l <apart)" = 2 ]
  # Twice the pixels: the error falls by the root of two, more or less.
  jq -s -e '.[0].sigma_se < .[1].sigma_se + .[2].sigma_se' pooled apart
}

@test "noise estimate: threads do not change a byte" {
  noise poisson-gaussian --gain 0.01 --read 0.05 --copies 2 clean.nst -o noisy.nst
  for method in dct repeats mp-pca pca; do
    [ "$method" != mp-pca ] || noise gaussian --sigma 0.1 --copies 5 clean.nst -o noisy.nst
    noise estimate --threads 1 --method "$method" noisy.nst >one
    noise estimate --threads 3 --method "$method" noisy.nst >three
    cmp one three
  done
}

@test "noise estimate: what cannot be told is said in a line" {
  needs numpy
  py - <<'END'
import numpy as np
r = np.random.default_rng(3)
np.save("constant.npy", np.full((32, 32), 3.)); np.save("small.npy", r.standard_normal((8, 40)))
y = r.standard_normal((32, 32)); np.save("signed.npy", y)
y[3, 4] = np.nan; np.save("gap.npy", y); np.save("line.npy", r.standard_normal(400))
np.save("other.npy", r.standard_normal((40, 32)))
END
  fails_with 65 noise estimate constant.npy | grep 'all values are equal'
  fails_with 65 noise estimate small.npy | grep '16x16'
  fails_with 65 noise estimate gap.npy | grep 'sample gap.npy (number 0): .*not finite'
  fails_with 65 noise estimate --allow-nonfinite gap.npy | grep 'not finite'
  fails_with 65 noise estimate line.npy | grep 'H and W'
  fails_with 65 noise estimate --family poisson signed.npy | grep 'no negative values'
  fails_with 65 noise estimate --family gamma signed.npy
  fails_with 64 noise estimate --family poisson --method mad signed.npy | grep gaussian
  fails_with 65 noise estimate --method repeats signed.npy | grep 'two captures'
  fails_with 65 noise estimate --repeats signed.npy | grep 'sample signed.npy: --repeats needs two captures'
  fails_with 65 noise estimate --repeats signed.npy signed.npy | grep 'are equal'
  fails_with 65 noise estimate --repeats signed.npy other.npy | grep 'shape'
  fails_with 65 noise estimate --method mp-pca signed.npy | grep 'at least 4 planes'
  fails_with 64 noise estimate --tag --pool signed.npy | grep -e --tag
  fails_with 64 noise estimate --method magic signed.npy
}

@test "noise estimate: clipped values are left out and counted" {
  needs numpy
  py - <<'END'
import numpy as np
x = np.tile(np.linspace(0, 1, 256), (256, 1))
np.save("y.npy", np.clip(x + .1*np.random.default_rng(5).standard_normal(x.shape), 0, 1))
END
  noise estimate y.npy >found
  [ "$(value family found)" = gaussian ]
  within sigma 0.1 0.05 found
  awk -v c="$(value clipped found)" 'BEGIN { exit !(c > 0.06 && c < 0.1) }'
}

@test "noise estimate: sigma 25 on photographs, within half a grey level" {
  needs_shared set12
  noise gaussian --sigma 25/255 "$SHARED"/set12/* | noise estimate --family gaussian >found
  jq -s -e '(map((.sigma * 255 - 25) * (.sigma * 255 - 25)) | add / length | sqrt) < 0.49' found
}

@test "noise estimate: one frame of a microscope tells the gain and offset that its repeats tell" {
  needs_shared fmd_dev/raw/1
  noise estimate --raw --repeats --family poisson-gaussian "$SHARED"/fmd_dev/raw/1/*1000[0-5].png >repeats
  noise estimate --raw --family poisson-gaussian "$SHARED"/fmd_dev/raw/1/*10000.png >single
  within gain "$(value gain repeats)" 0.15 single
  within offset "$(value offset repeats)" 0.15 single
}
