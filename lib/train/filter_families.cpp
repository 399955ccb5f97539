#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>

#include "base/threads.hpp"
#include "linalg/blas.hpp"
#include "train/average_regression.hpp"

namespace noiseutils {
namespace {

using Eigen::MatrixXd;
using Eigen::MatrixXf;
using Eigen::VectorXd;

constexpr std::int64_t kImagesABlock = 32;
constexpr std::int64_t kAtOnce = 256;
constexpr double kShared = 300;    // patches that the mean of all components counts for in each
constexpr double kRidge = 1.6e-5;  // a patch, in units of the noise variance
constexpr double kDiagonalRidge = 8e-5, kDiagonalFloor = 1.6e-3;

/// Calls visit(k, places, count, block) for pieces of the patches of every component and image, blocks in parallel.
template <class Visit>
void each_piece(const RegressionImage& image, const Visit& visit) {
  for (const LabelledPlaces& band : image.input.bands)
    for (std::size_t k = 0; k + 1 < band.begin.size(); ++k)
      for (std::int64_t first = band.begin[k]; first < band.begin[k + 1]; first += kAtOnce)
        visit(static_cast<std::int64_t>(k), band.places.data() + first,
              std::min<std::int64_t>(kAtOnce, band.begin[k + 1] - first));
}

/// Sums over all images of `size` numbers, which add(image, sums) adds to.
template <class Add>
std::vector<double> summed(const std::vector<RegressionImage>& images, std::int64_t size, const Add& add) {
  const auto count = static_cast<std::int64_t>(images.size());
  const std::int64_t blocks = (count + kImagesABlock - 1) / kImagesABlock;
  std::vector<std::vector<float>> parts(static_cast<std::size_t>(blocks));
  parallel_blocks(blocks, [&](std::int64_t block) {
    auto& part = parts[static_cast<std::size_t>(block)];
    part.resize(static_cast<std::size_t>(size));
    for (std::int64_t i = block * kImagesABlock; i < std::min(count, (block + 1) * kImagesABlock); ++i)
      add(images[static_cast<std::size_t>(i)], part.data());
  });
  std::vector<double> total(static_cast<std::size_t>(size));
  for (const auto& part : parts)
    for (std::size_t i = 0; i < total.size(); ++i) total[i] += static_cast<double>(part[i]);
  return total;
}

std::vector<double> counts_of(const std::vector<RegressionImage>& images, std::int64_t components) {
  std::vector<double> counts(static_cast<std::size_t>(components));
  for (const RegressionImage& image : images)
    each_piece(image, [&](std::int64_t k, const PatchPlace*, std::int64_t n) {
      counts[static_cast<std::size_t>(k)] += static_cast<double>(n);
    });
  return counts;
}

class FullFilters : public FilterFamily {
 public:
  FullFilters(std::int64_t patch, std::int64_t components)
      : patch_(patch), components_(components), d_(patch * patch), size_(d_ + 1) {}

  void prepare(const std::vector<RegressionImage>& images) override {
    const std::vector<double> counts = counts_of(images, components_);
    const std::int64_t each = size_ * (size_ + d_);
    const std::vector<double> sums = summed(images, components_ * each, [&](const RegressionImage& image, float* to) {
      const auto views = image.input.views();
      std::vector<float> features(static_cast<std::size_t>(size_ * kAtOnce)),
          clean(static_cast<std::size_t>(d_ * kAtOnce)), means(kAtOnce);
      each_piece(image, [&](std::int64_t k, const PatchPlace* places, std::int64_t n) {
        patch_features(views, patch_, places, n, features.data(), means.data());
        for (std::int64_t i = 0; i < n; ++i) {
          gather_patch(image.clean, patch_, places[i], clean.data() + i * d_);
          for (std::int64_t j = 0; j < d_; ++j)
            clean[static_cast<std::size_t>(i * d_ + j)] -= means[static_cast<std::size_t>(i)];
        }
        float* gram = to + k * each;
        syrk<float>(Op::plain, size_, n, 1, features.data(), size_, 1, gram, size_);
        gemm<float>(Op::plain, Op::transposed, size_, d_, n, 1, features.data(), size_, clean.data(), d_, 1,
                    gram + size_ * size_, size_);
      });
    });
    MatrixXd gram = MatrixXd::Zero(size_, size_), cross = MatrixXd::Zero(size_, d_);
    double patches = 0;
    for (std::int64_t k = 0; k < components_; ++k) {
      gram += gram_of(sums, k);
      cross += cross_of(sums, k);
      patches += counts[static_cast<std::size_t>(k)];
    }
    start_.clear();
    for (std::int64_t k = 0; k < components_; ++k) {
      MatrixXd g = gram_of(sums, k) + kShared / patches * gram;
      g.diagonal().array() += kRidge * (counts[static_cast<std::size_t>(k)] + 1);
      conditioners_.emplace_back(g);
      const MatrixXd w = conditioners_.back().solve(cross_of(sums, k) + kShared / patches * cross).transpose();
      start_.insert(start_.end(), w.data(), w.data() + w.size());
    }
  }
  std::vector<double> start() const override { return start_; }
  PatchFilters filters(const std::vector<double>& parameters) const override {
    return {patch_, 1, components_, std::vector<float>(parameters.begin(), parameters.end())};
  }
  /// Patches without their mean see nothing of the constant direction. What rounding left of it there goes: the
  /// preconditioner, the inverse of the ridge alone in that direction, would blow it up.
  std::vector<double> gradient(const std::vector<double>& dense) const override {
    std::vector<double> result = dense;
    for (std::int64_t k = 0; k < components_; ++k) {
      Eigen::Map<MatrixXd> part(result.data() + k * d_ * size_, d_, d_);
      part.colwise() -= VectorXd(part.rowwise().mean());
    }
    return result;
  }
  std::vector<double> precondition(const std::vector<double>& gradient) const override {
    std::vector<double> result(gradient.size());
    parallel_blocks(components_, [&](std::int64_t k) {
      const Eigen::Map<const MatrixXd> in(gradient.data() + k * d_ * size_, d_, size_);
      Eigen::Map<MatrixXd>(result.data() + k * d_ * size_, d_, size_) =
          conditioners_[static_cast<std::size_t>(k)].solve(in.transpose()).transpose();
    });
    return result;
  }

 private:
  MatrixXd gram_of(const std::vector<double>& sums, std::int64_t k) const {
    return Eigen::Map<const MatrixXd>(sums.data() + k * size_ * (size_ + d_), size_, size_)
        .selfadjointView<Eigen::Upper>();
  }
  MatrixXd cross_of(const std::vector<double>& sums, std::int64_t k) const {
    return Eigen::Map<const MatrixXd>(sums.data() + k * size_ * (size_ + d_) + size_ * size_, size_, d_);
  }

  std::int64_t patch_, components_, d_, size_;
  std::vector<double> start_;
  std::vector<Eigen::LLT<MatrixXd>> conditioners_;
};

class DiagonalFilters : public FilterFamily {
 public:
  DiagonalFilters(const PatchMixture& mixture, std::int64_t channels, double gate_variance)
      : mixture_(mixture), channels_(channels), gate_variance_(gate_variance) {}

  void prepare(const std::vector<RegressionImage>& images) override {
    const std::int64_t d = mixture_.dim(), components = mixture_.components(), size = d * channels_ + 1,
                       square = channels_ * channels_;
    const std::vector<double> counts = counts_of(images, components);
    const std::vector<double> sums =
        summed(images, components * d * square, [&](const RegressionImage& image, float* to) {
          const auto views = image.input.views();
          std::vector<float> features(static_cast<std::size_t>(size * kAtOnce)), means(kAtOnce),
              seen(static_cast<std::size_t>(channels_ * d * kAtOnce));
          each_piece(image, [&](std::int64_t k, const PatchPlace* places, std::int64_t n) {
            patch_features(views, mixture_.patch, places, n, features.data(), means.data());
            // seen: n x d of each channel, column-major, so that a direction's values lie side by side
            for (std::int64_t c = 0; c < channels_; ++c)
              gemm<float>(Op::transposed, Op::plain, n, d, d, 1, features.data() + c * d, size, mixture_.basis_of(k), d,
                          0, seen.data() + c * d * kAtOnce, kAtOnce);
            for (std::int64_t j = 0; j < d; ++j)
              for (std::int64_t a = 0; a < channels_; ++a)
                for (std::int64_t b = a; b < channels_; ++b) {
                  const Eigen::Map<const Eigen::VectorXf> left(seen.data() + (a * d + j) * kAtOnce, n),
                      right(seen.data() + (b * d + j) * kAtOnce, n);
                  to[(k * d + j) * square + b * channels_ + a] += left.dot(right);  // the upper triangle, column-major
                }
          });
        });
    conditioners_.clear();
    for (std::int64_t i = 0; i < components * d; ++i) {
      MatrixXd gram =
          Eigen::Map<const MatrixXd>(sums.data() + i * square, channels_, channels_).selfadjointView<Eigen::Upper>();
      gram.diagonal().array() += kDiagonalRidge * counts[static_cast<std::size_t>(i / d)] + kDiagonalFloor;
      conditioners_.emplace_back(gram);
    }
  }
  std::vector<double> start() const override {
    std::vector<double> gains(mixture_.eigenvalues.size() * static_cast<std::size_t>(channels_));
    for (std::size_t i = 0; i < mixture_.eigenvalues.size(); ++i) {
      const double l = mixture_.eigenvalues[i];
      gains[(i + 1) * static_cast<std::size_t>(channels_) - 1] = l / (l + gate_variance_);
    }
    return gains;
  }
  PatchFilters filters(const std::vector<double>& parameters) const override {
    return filters_of_gains(mixture_, channels_, std::vector<float>(parameters.begin(), parameters.end()));
  }
  std::vector<double> gradient(const std::vector<double>& dense) const override {
    const std::int64_t d = mixture_.dim(), size = d * channels_ + 1;
    std::vector<double> result(static_cast<std::size_t>(mixture_.components() * d * channels_));
    parallel_blocks(mixture_.components(), [&](std::int64_t k) {
      const MatrixXd basis = Eigen::Map<const MatrixXf>(mixture_.basis_of(k), d, d).cast<double>();
      for (std::int64_t c = 0; c < channels_; ++c) {
        const Eigen::Map<const MatrixXd> part(dense.data() + (k * size + c * d) * d, d, d);
        const VectorXd diagonal = (basis.transpose() * part).cwiseProduct(basis.transpose()).rowwise().sum();
        for (std::int64_t j = 0; j < d; ++j)
          result[static_cast<std::size_t>((k * d + j) * channels_ + c)] = diagonal[j];
      }
    });
    return result;
  }
  std::vector<double> precondition(const std::vector<double>& gradient) const override {
    std::vector<double> result(gradient.size());
    for (std::size_t i = 0; i < conditioners_.size(); ++i) {
      const std::size_t at = i * static_cast<std::size_t>(channels_);
      Eigen::Map<VectorXd>(result.data() + at, channels_) =
          conditioners_[i].solve(Eigen::Map<const VectorXd>(gradient.data() + at, channels_));
    }
    return result;
  }

 private:
  PatchMixture mixture_;
  std::int64_t channels_;
  double gate_variance_;
  std::vector<Eigen::LLT<MatrixXd>> conditioners_;
};

}  // namespace

std::unique_ptr<FilterFamily> full_filters(std::int64_t patch, std::int64_t components) {
  return std::make_unique<FullFilters>(patch, components);
}

std::unique_ptr<FilterFamily> diagonal_filters(const PatchMixture& mixture, std::int64_t channels,
                                               double gate_variance) {
  return std::make_unique<DiagonalFilters>(mixture, channels, gate_variance);
}

}  // namespace noiseutils
