/* standard.h -- standard input, output and error, of a program that was started without them.
 *
 * Layer: common.
 */
#ifndef COMMON_STANDARD_H
#define COMMON_STANDARD_H

/* Gives the descriptors 0, 1 and 2 to nobody else where the caller closed them: a file or a socket
 * that got one of these numbers would be written into by messages. To be called before anything is
 * opened. Writing to a closed standard output still fails. */
void standard_keep(void);

#endif
