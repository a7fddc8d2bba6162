/* assets.h -- files built into the program (assets.S).
 *
 * Layer: http.
 */
#pragma once

extern const char asset_openapi[], asset_openapi_end[];
extern const char asset_index[], asset_index_end[];

#define ASSET(name)                                                                                \
    (struct str)                                                                                   \
    {                                                                                              \
        asset_##name, (size_t)(asset_##name##_end - asset_##name)                                  \
    }
