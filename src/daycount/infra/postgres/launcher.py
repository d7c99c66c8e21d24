"""
The small program between Daycount and PostgreSQL: it becomes the right user and then turns into PostgreSQL by exec.

Run as a script by `identity.py`, never imported. A program of its own, and not code between fork and exec, because a
user namespace needs a process with one thread and because Python must not run in a fork of a threaded process. It uses
the standard library only: it runs with `-I -S`, so that neither the environment nor site-packages slow it or change it.
"""

import ctypes
import os
import signal
import sys

EXIT_NO_IDENTITY = 121
EXIT_NO_FOLDER = 122
EXIT_NO_PROGRAM = 123
EXIT_NO_PARENT = 124

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4

libc = ctypes.CDLL(None, use_errno=True)


def become(*, user_id: int, group_id: int) -> None:
    """Change this process to the user and group, for good; raises OSError."""
    if os.geteuid() != user_id:
        os.setgroups([])
        os.setgid(group_id)
        os.setuid(user_id)
        # A process that gave up root loses its own files in /proc; they are needed for the namespace.
        libc.prctl(PR_SET_DUMPABLE, 1)


def enter_user_namespace(*, alias: int) -> None:
    """
    Show this process its own user as the user `alias`; raises OSError.

    Nothing changes for anybody else: files and signals still go by the user outside. PostgreSQL, which refuses uid 0 and
    every uid without a passwd entry, sees `alias`. The capabilities gained in the namespace are lost by the exec.
    """
    user_id, group_id = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"user namespaces are not allowed here: {os.strerror(code)}")
    # The kernel accepts a group map of an unprivileged process only after setgroups is given up. Bytes, because a text
    # file would import its codec, and by now this user may be unable to read Python's library.
    for name, line in (("setgroups", b"deny"), ("uid_map", b"%d %d 1" % (alias, user_id)), ("gid_map", b"%d %d 1" % (alias, group_id))):
        with open(f"/proc/self/{name}", "wb", buffering=0) as file:  # noqa: PTH123 - for the same reason
            file.write(line)


def die_with_parent(*, parent_pid: int) -> None:
    """
    Have the kernel send SIGINT (a fast, clean shutdown) when the parent dies; exits if it is dead already.

    Called after the user has changed, because the kernel forgets the wish whenever credentials change.
    """
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != parent_pid:
        sys.exit(EXIT_NO_PARENT)


def reset_signals() -> None:
    """Undo what the parent or the shell may have ignored or blocked, so that the program starts with the usual signals."""
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def give_up(code: int, error: OSError) -> None:
    """Report the error on standard error and exit with the code."""
    sys.stderr.write(f"{error}\n")
    sys.exit(code)


def main() -> None:
    """Become the wished user in the wished folder, then run the command in this very process."""
    parent_pid, user_id, group_id, alias, folder, *command = sys.argv[1:]
    os.umask(0o077)
    try:
        become(user_id=int(user_id), group_id=int(group_id))
        if alias != "-":
            enter_user_namespace(alias=int(alias))
    except OSError as error:
        give_up(EXIT_NO_IDENTITY, error)
    try:
        os.chdir(folder)
    except OSError as error:
        give_up(EXIT_NO_FOLDER, error)
    reset_signals()
    die_with_parent(parent_pid=int(parent_pid))
    try:
        os.execv(command[0], command)  # noqa: S606 - the command is our own
    except OSError as error:
        give_up(EXIT_NO_PROGRAM, error)


if __name__ == "__main__":
    main()
