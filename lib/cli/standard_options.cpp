#include "cli/standard_options.hpp"

namespace noiseutils {

std::vector<OptionSpec> universal_options() {
  return {
      flag("help", "show this help; after a word, the help of that word").short_name('h').not_in_history(),
      flag("version", "show the version").not_in_history(),
      flag("json", "with --version: as JSON, with libraries, instruction set and licence").not_in_history(),
      flag("completion", "print a bash completion script").not_in_history(),
      integer("threads", "N", "threads to use; default: OMP_NUM_THREADS, else the processors at hand")
          .at_least(1)
          .at_most(4096)
          .not_in_history(),
  };
}

std::vector<OptionSpec> input_options() {
  return {
      text("axes", "LETTERS", "names of the axes of inputs that carry none, e.g. NHW, CHW, THW"),
      integer("bits", "B", "significant bits of integer images (12 for packed sensors); default: the file's depth")
          .at_least(1)
          .at_most(32),
      flag("raw", "keep integer images as counts, undivided"),
      number("scale", "A", "multiply the values of a file by A instead of dividing integers by their maximum"),
      flag("drop-alpha", "ignore an alpha channel instead of refusing it"),
      flag("stack", "the pages of a multi-page file are one sample with a leading T axis"),
      integer("max-header", "BYTES", "largest record header to accept")
          .otherwise("16777216")
          .at_least(2)
          .at_most(100'000'000)
          .not_in_history(),
      flag("allow-nonfinite", "accept NaN and infinite values in the input"),
  };
}

std::vector<OptionSpec> output_options() {
  return {
      file("output", "FILE",
           "write FILE, by its suffix: .nst .safetensors .npy .png .jpg .tif .pgm .ppm .pfm; %d in it: one file a "
           "sample; default: a stream on standard output")
          .short_name('o')
          .not_in_history(),
      choice("depth", {"8", "16"}, "bits of integer images written; default: as the source came"),
      flag("no-history", "leave the metadata key history out").not_in_history(),
      choice("progress", {"auto", "line", "none"}, "progress on standard error; auto: only if it is a terminal")
          .otherwise("auto")
          .not_in_history(),
  };
}

OptionSpec resume_option() {
  return flag("resume", "go on from FILE.partial after its last whole record (.nst)").not_in_history();
}

OptionSpec first_index_option() {
  return integer("first-index", "N", "number of the first sample, for array jobs that share one data set")
      .otherwise("0")
      .at_least(0)
      .at_most(9e15)
      .not_in_history();
}

OptionSpec seed_option() {
  OptionSpec spec = text("seed", "S", "seed of the random numbers, 0 to 2^64-1, or random");
  spec.type = OptionType::seed;
  spec.fallback = std::string("0");
  return spec.not_in_history();  // recorded by itself, also when it is the default
}

OptionSpec copies_option() {
  return integer("copies", "K", "independent noisy copies in total: data, then reference.1 to reference.(K-1)")
      .otherwise("1")
      .at_least(1)
      .at_most(65536);
}

OptionSpec keep_clean_option() {
  return flag("keep-clean", "keep the clean sample as the companion clean").short_name('k');
}

OptionSpec immiscible_option() {
  return flag("immiscible", "deal the noises of a batch to its samples so that they lie near; biased, see the manual");
}

}  // namespace noiseutils
