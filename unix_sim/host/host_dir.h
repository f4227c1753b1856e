/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file host_dir.h
 * Throw-away directories beside the running program, that is: under build/.
 */
#ifndef HOST_DIR_H
#define HOST_DIR_H

#include <stdbool.h>

/** Longest path here, bytes with the NUL. */
#define HOST_PATH_MAX 1024

/** The folder that the running program lies in. */
bool host_dir_program(char path[HOST_PATH_MAX]);

/** A program that was built with the running one: what the environment says under `env`, or `name` in its folder or in one of
 *  the two above. */
bool host_dir_beside(const char *name, const char *env, char path[HOST_PATH_MAX]);

/** Make an empty directory, mode 0700: FOLDER-OF-THE-PROGRAM/run/NAME-XXXXXX. */
bool host_dir_make(const char *name, char path[HOST_PATH_MAX]);

/** Remove a directory and the files in it (not folders in it). */
void host_dir_remove(const char *path);

#endif
