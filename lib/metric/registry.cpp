#include "metric/metric.hpp"

namespace noiseutils {

// Each is defined in the file of its name.
MetricEntry mse_metric();
MetricEntry rmse_metric();
MetricEntry mae_metric();
MetricEntry nrmse_metric();
MetricEntry psnr_metric();
MetricEntry snr_metric();
MetricEntry ssim_metric();
MetricEntry ms_ssim_metric();
MetricEntry correlation_metric();
MetricEntry sobolev_metric();
MetricEntry gradient_metric();
MetricEntry histogram_metric();
MetricEntry frc_metric();
MetricEntry umse_metric();
MetricEntry umse_pairs_metric();
MetricEntry upsnr_metric();
MetricEntry sure_metric();
MetricEntry pure_metric();
MetricEntry jloss_metric();
MetricEntry whiteness_metric();
MetricEntry normality_metric();

const std::vector<MetricEntry>& metrics() {
  static const std::vector<MetricEntry> all = {
      mse_metric(),   rmse_metric(),      mae_metric(),         nrmse_metric(),   psnr_metric(),     snr_metric(),
      ssim_metric(),  ms_ssim_metric(),   correlation_metric(), sobolev_metric(), gradient_metric(), histogram_metric(),
      frc_metric(),   umse_metric(),      umse_pairs_metric(),  upsnr_metric(),   sure_metric(),     pure_metric(),
      jloss_metric(), whiteness_metric(), normality_metric(),
  };
  return all;
}

}  // namespace noiseutils
