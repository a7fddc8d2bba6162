/* documented_service.h -- what the service tells of itself, and the dashboard's files, as the
 * document says: two tests of test_openapi_answers.c.
 *
 * Layer: tests.
 */
#pragma once

void reads_of_the_service_are_answered_as_documented(void **state);
void files_of_the_dashboard_are_answered_as_documented(void **state);
