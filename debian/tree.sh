#!/bin/sh
# tree.sh VERSION COMMIT TREE -- puts a copy of the sources as they stand here into the new folder TREE, for dpkg-buildpackage,
# which writes into its tree and beside it. The copy has what git knows and .gitignore does not name, and no .git: its VERSION
# and debian/changelog are made here. A package's version sorts as the commits do:
#   0.9.0                 the commit that has the tag v0.9.0, or sources without git
#   0.9.0~482.gedc7fde    one before that tag, the 482nd of its history
#   0.9.0+12.g1b08736     one after it, by twelve
set -eu
version=$1 commit=$2 tree=$3
root=$(cd "$(dirname "$0")/.." && pwd)

package_version() {
    if [ ! -e .git ] || [ "$(git describe --tags --exact-match --match "v$version" --dirty 2>/dev/null)" = "v$version" ]; then
        echo "$version"
    elif git rev-parse -q --verify "refs/tags/v$version" >/dev/null; then
        echo "$version+$(git rev-list --count "v$version..HEAD").g$commit"
    else
        echo "$version~$(git rev-list --count HEAD).g$commit"
    fi | sed 's/-dirty$/.dirty/'
}

# Files that were deleted and not yet committed are known to git all the same.
files() {
    if [ -e .git ]; then
        git ls-files -z --cached --others --exclude-standard | xargs -0 sh -c 'for f; do [ ! -e "$f" ] || printf "%s\0" "$f"; done' sh
    else
        find . -path ./build -prune -o -type f -print0
    fi
}

# A package that is built twice is the same twice: its time is that of the commit.
date_of_commit() { git log -1 --format=%cD 2>/dev/null || date -R -r VERSION; }

mkdir -p "$(dirname "$tree")"
mkdir "$tree"
tree=$(cd "$tree" && pwd)
cd "$root"
files | tar --null -T - -cf - | tar -xf - -C "$tree"
echo "$version $commit" >"$tree/VERSION"
cat >"$tree/debian/changelog" <<EOF
stockd ($(package_version)) unstable; urgency=medium

  * Packaged from the sources${commit:+ of commit $commit}.
    CHANGELOG.md says what changed.

 -- $(sed -n 's/^Maintainer: //p' debian/control)  $(date_of_commit)
EOF
