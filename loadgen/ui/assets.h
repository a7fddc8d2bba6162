/* assets.h -- the files of the live page, built into the program (assets.S).
 *
 * Layer: loadgen/ui. Style and scripts are ours (page/, and the colours of common/page/); what
 * draws a race is also in the page that `stockload race --html` saves. Chart.js is the report's
 * (report/assets.h). None of them holds "</script" or "</style" (a unit test looks).
 */
#pragma once

#include "str.h"

extern const char ui_asset_index[], ui_asset_index_end[];
extern const char ui_asset_css[], ui_asset_css_end[];
extern const char ui_asset_live[], ui_asset_live_end[];
extern const char ui_asset_saved[], ui_asset_saved_end[];

#define UI_ASSET(name)                                                                             \
    (struct str)                                                                                   \
    {                                                                                              \
        ui_asset_##name, (size_t)(ui_asset_##name##_end - ui_asset_##name)                         \
    }
