"""The commands of Lambda's Python runtimes: those that a function sees of the host's.

Amazon Linux 2023 is its minimal image (https://docs.aws.amazon.com/linux/al2023/ug/minimal-container.html): bash, coreutils,
curl, gawk, grep and sed, but no git, gcc, node, perl or ps. What isn't known for certain stays visible.
"""

from __future__ import annotations

_CORE = """
    [ arch b2sum base32 base64 basename basenc cat chcon chgrp chmod chown cksum comm coreutils cp csplit cut date dd df dir
    dircolors dirname du echo env expand expr factor false fmt fold groups head hostid id install join link ln logname ls
    md5sum mkdir mkfifo mknod mktemp mv nice nl nohup nproc numfmt od paste pathchk pinky pr printenv printf ptx pwd readlink
    realpath rm rmdir runcon seq sha1sum sha224sum sha256sum sha384sum sha512sum shred shuf sleep sort split stat stdbuf stty
    sum sync tac tail tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink users vdir wc who whoami yes
"""
_SHELL = "bash sh dash awk gawk mawk original-awk curl grep egrep fgrep sed"
_PERHAPS = """
    bzip2 chroot cmp diff find getconf getent gunzip gzip hostname iconv ldconfig ldd locale localedef mount openssl tar
    umount unxz update-ca-trust which xargs xz zcat
"""
NAMES = frozenset(f"{_CORE} {_SHELL} {_PERHAPS}".split())
