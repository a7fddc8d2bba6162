/* assets.h -- the files that every HTML report carries, built into the program (assets.S).
 *
 * Layer: report. The style and the script are ours (page/); Chart.js (MIT) comes from Debian's
 * libjs-chart.js and keeps its notice. None of them holds "</script" or "</style" (a unit test
 * looks).
 */
#pragma once

#include "str.h"

extern const char report_asset_css[], report_asset_css_end[];
extern const char report_asset_script[], report_asset_script_end[];
extern const char report_asset_chart[], report_asset_chart_end[];

#define REPORT_ASSET(name)                                                                         \
    (struct str)                                                                                   \
    {                                                                                              \
        report_asset_##name, (size_t)(report_asset_##name##_end - report_asset_##name)             \
    }
