#ifndef BASE_FS_H
#define BASE_FS_H
#include "base/buf.h"
#include "base/err.h"
/* Whole file into *ret (cleared first; its max bounds the file). */
NODISCARD int fs_read(const char *path, struct buf *ret, struct err *err);
/* The same; path "-" is standard input. */
NODISCARD int fs_read_or_stdin(const char *path, struct buf *ret, struct err *err);
/* Writes under a temporary name in the same folder, fsyncs, renames. mode such as 0644. Refused where something else than a
 * plain file has the name. */
NODISCARD int fs_write(const char *path, const void *p, size_t n, unsigned mode, struct err *err);
/* The two halves of what fs_write promises, for who writes piece by piece: whether a file may be put in the place of path,
 * and the fsync of the folder that path lies in. */
NODISCARD int fs_check_plain(const char *path, struct err *err);
NODISCARD int fs_sync_dir(const char *path, struct err *err);
NODISCARD int fs_mkdir_p(const char *path, struct err *err);
/* dir + "/" + name, or name alone when it is absolute. Returns owned. */
char *fs_join(const char *dir, const char *name);
char *fs_dirname(const char *path); /* returns owned; "." when there is none */
/* Refuses a secret file that group or others may read: ERR_ACCESS_DENIED with a hint. Trailing newline cut. */
NODISCARD int fs_read_secret(const char *path, char **ret_owned, struct err *err);
/*
 * A credential as systemd hands it to a service (and Kubernetes, when told to): file name in dir, which is
 * $CREDENTIALS_DIRECTORY or NULL. There the group's read bit is no fault: it is the mask of the ACL by which systemd
 * lets the service's user read root's file, or fsGroup of a pod. ERR_CONFIG where it is missing.
 */
NODISCARD int fs_read_credential(const char *dir, const char *name, char **ret_owned, struct err *err);
/* Start time of a process in clock ticks after boot (/proc/PID/stat field 22); 0 when it is gone. */
unsigned long long fs_pid_start(long pid);
#endif
