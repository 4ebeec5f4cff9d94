#!/bin/sh
# In:    the archive that this Debian's apt is set to.
# Out:   dist/native/source/: picohttpparser (C), httparse (Rust) and llhttp (C), as Debian has them; apt checks their signatures.
# Never: installs a package, changes apt's settings, or needs root.

set -eu
cd "$(dirname "$0")/../.."
source=$PWD/dist/native/source
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
archive=$(apt-get update --print-uris | sed -n "s|^'\(.*\)/dists/$codename-updates/InRelease'.*|\1|p" | head -n 1)
if [ -z "$archive" ]; then
  echo "apt is not set to an archive of $codename" >&2
  exit 1
fi

# Lists of its own: a plain Debian lists no source packages, and only root may refresh the common lists.
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
printf '%s %s %s main\n' deb "$archive" "$codename" deb-src "$archive" "$codename" >"$work/sources.list"
fetch() {
  apt-get -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/lists" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
cd "$work"
fetch update
# The archive of h2o carries the newest picohttpparser that Debian has.
fetch source --download-only --tar-only h2o
fetch download librust-httparse-dev node-llhttp

mkdir h2o rust llhttp
tar -xf h2o_*.orig.tar.* -C h2o --wildcards "*/deps/picohttpparser/picohttpparser.[ch]"
dpkg-deb -x librust-httparse-dev_*.deb rust
dpkg-deb -x node-llhttp_*.deb llhttp

rm -rf "$source"
mkdir -p "$source/picohttpparser" "$source/llhttp"
cp h2o/*/deps/picohttpparser/picohttpparser.[ch] "$source/picohttpparser"
cp -r rust/usr/share/cargo/registry/httparse-*/src "$source/httparse"
cp llhttp/usr/share/llhttp/*.c llhttp/usr/share/include/llhttp/llhttp.h "$source/llhttp"
# What the bench prints about each.
ls h2o_*.tar.* >"$source/picohttpparser/VERSION"
ls librust-httparse-dev_*.deb >"$source/httparse/VERSION"
ls node-llhttp_*.deb >"$source/llhttp/VERSION"
