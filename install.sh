#!/usr/bin/env bash
# Installs git-data for this user, tests it, or takes it away again: see usage() below.
# Runs with bash 3.2 (macOS) and newer. Nothing here asks a question.
set -euo pipefail

usage() {
  cat <<'END'
Usage: ./install.sh [--test | --uninstall | --help]

  (nothing)     install git-data for this user: a private Python environment in
                ~/.local/share/git-data, the commands in ~/.local/bin, the filter in your Git
                configuration. Doing it again is quick and brings in what changed here.
  --test        run ruff, mypy and all tests of this folder, in .venv. As root on Debian and Ubuntu
                it first installs the servers that the tests need and are missing (nginx, Apache,
                sshd, npm, zsh), and starts none of them; it touches nothing else
  --uninstall   take back exactly what the installation added

PYTHON=/path/to/python3 chooses the Python (3.10 or newer). As root on Debian and Ubuntu, packages
that are missing are installed; else the command that installs them is shown.
END
}

source_folder=$(cd "$(dirname "$0")" && pwd -P)
share="${XDG_DATA_HOME:-$HOME/.local/share}/git-data"
bin="$HOME/.local/bin"
commands="git-data git-remote-data"
made="$share/made" # what this script created outside of $share/venv, so that it can take it away

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# What the machine has to offer

fit_python='import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))'

find_python() { # the first Python that is new enough and can make environments, on standard output
  local name
  for name in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    if command -v "$name" >/dev/null && "$name" -c "$fit_python" 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  return 1
}

need_packages() { # Debian packages: install them as root, else say how
  if ! command -v apt-get >/dev/null; then
    case $(uname -s) in
      Darwin) fail "missing: $*. Install them, for example with: brew install git python3" ;;
      *) fail "missing: $*. Install them with your system's package manager, then run this again" ;;
    esac
  fi
  local install="apt-get install -y --no-install-recommends $*"
  [ "$(id -u)" = 0 ] || fail "missing: $*. Run this, then ./install.sh again: sudo $install"
  say "Installing Debian packages: $*"
  export DEBIAN_FRONTEND=noninteractive
  # The lists may be missing or old; without a network a package may still be at hand.
  apt-get update -qq </dev/null >"$scratch/apt" 2>&1 || true
  $install -qq </dev/null >>"$scratch/apt" 2>&1 || {
    cat "$scratch/apt" >&2
    fail "this failed: $install"
  }
}

prepare() { # sets $python; Git and Python are there afterwards
  local missing=""
  command -v git >/dev/null || missing="git"
  python=$(find_python) || missing="$missing python3 python3-venv"
  # shellcheck disable=SC2086
  [ -z "$missing" ] || need_packages $missing "$@"
  python=$(find_python) || fail "no Python 3.10 or newer was found; name one: PYTHON=/path/to/python3 ./install.sh"
  local version
  version=$(git version | sed 's/[^0-9]*\([0-9]*\)\.\([0-9]*\).*/\1 \2/')
  # shellcheck disable=SC2086
  set -- $version
  if [ "$1" -lt 2 ] || { [ "$1" = 2 ] && [ "$2" -lt 30 ]; }; then
    fail "Git $1.$2 is too old: git-data needs Git 2.30 or newer"
  fi
}

# Python environments

fingerprint() { # of all that an installation is made from, and the Python it is for
  (
    cd "$source_folder"
    "$python" -c 'import sys; print(sys.version, sys.base_prefix)'
    find git_data pyproject.toml setup.py README.md -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort
  ) | cksum
}

make_venv() { # keeps one that still works (its Python may have been upgraded away)
  "$1/bin/python" -c "$fit_python; import pip" 2>/dev/null ||
    "$python" -m venv --clear "$1" || fail "no Python environment could be made in $1"
}

pip_install() {
  local venv=$1
  shift
  "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check "$@" </dev/null ||
    fail "pip could not install git-data; what it said is above"
}

# Installing

make_folder() {
  local folder=$1 new=""
  while [ ! -d "$folder" ]; do
    new="$folder
$new"
    folder=$(dirname "$folder")
  done
  mkdir -p "$1"
  # Innermost last: uninstalling goes backwards. The first call makes the folder of $made itself.
  printf '%s' "$new" >>"$made"
}

install_package() { # from a copy: a build leaves its own folders, and this one may be read-only
  mkdir "$scratch/source"
  (cd "$source_folder" && cp -R git_data pyproject.toml setup.py README.md "$scratch/source/")
  pip_install "$share/venv" "$scratch/source"
}

ours() { # is this link one of ours?
  [ -L "$1" ] && case $(readlink "$1") in "$share/venv/"*) true ;; *) false ;; esac
}

refuse_to_overwrite() {
  local name
  for name in $commands; do
    if { [ -e "$bin/$name" ] || [ -L "$bin/$name" ]; } && ! ours "$bin/$name"; then
      fail "$bin/$name is there already, from elsewhere; nothing was done. Move it, then run this again"
    fi
  done
}

link_commands() {
  local name
  for name in $commands; do
    if [ -x "$share/venv/bin/$name" ]; then ln -sfn "$share/venv/bin/$name" "$bin/$name"; fi
  done
}

install() {
  refuse_to_overwrite
  prepare
  make_folder "$share"
  make_folder "$bin"
  local print
  print=$(fingerprint)
  if [ "$(cat "$share/venv/installed" 2>/dev/null)" != "$print" ]; then
    say "Installing git-data in $share"
    make_venv "$share/venv"
    rm -f "$share/venv/installed"
    install_package
  fi
  link_commands
  # Git makes this file, and leaves it empty when its settings go.
  [ -e "$HOME/.gitconfig" ] || printf '%s\n' "$HOME/.gitconfig" >>"$made"
  "$share/venv/bin/git-data" install
  # Not here: it is this machine that is to be proven, and not the repository we may stand in.
  # And not yet with this PATH: what it may lack is said below.
  (cd "$scratch" && PATH="$bin:$PATH" "$share/venv/bin/git-data" doctor --round-trip) ||
    fail "git-data is installed, but the trial above failed"
  # Last: an installation that was interrupted, or failed its trial, is done anew the next time.
  printf '%s\n' "$print" >"$share/venv/installed"
  say "git-data is ready: $("$share/venv/bin/git-data" --version)"
  case ":$PATH:" in
    *":$bin:"*) ;;
    *)
      say "$bin is not on your PATH, so 'git data' is not found yet. Add this line to ~/.profile"
      say "(zsh: ~/.zprofile), and open a new terminal:"
      say "  export PATH=\"\$HOME/.local/bin:\$PATH\""
      ;;
  esac
}

# Taking it back

uninstall() {
  if [ -x "$share/venv/bin/git-data" ]; then
    "$share/venv/bin/git-data" uninstall --quiet ||
      fail "the filter is still in your Git configuration; nothing was removed. See: git config --global --list"
  fi
  local name list item
  for name in $commands; do
    if ours "$bin/$name"; then rm "$bin/$name"; fi
  done
  list=$(cat "$made" 2>/dev/null || true)
  rm -rf "$share/venv" "$made"
  printf '%s\n' "$list" | sed '1!G;h;$!d' | while IFS= read -r item; do # the last one first
    if [ -d "$item" ]; then rmdir "$item" 2>/dev/null || true; fi # what others use stays
    if [ -f "$item" ] && [ ! -s "$item" ]; then rm "$item"; fi
  done
  say "git-data is uninstalled. Repositories keep their data, and their pre-push hook: without git-data"
  say "it refuses a push that carries pointers, and no other. Our pre-commit hook, where you asked for it,"
  say "stops commits of data files then, and that of a server every push: remove these hooks there."
}

# Testing

need_servers() { # real ones for the tests; elsewhere than on Debian as root those tests are skipped
  local name missing=""
  command -v apt-get >/dev/null && [ "$(id -u)" = 0 ] || return 0
  for name in zsh:zsh nginx:nginx-light apache2:apache2 htpasswd:apache2-utils sshd:openssh-server openssl:openssl npm:npm; do
    command -v "${name%%:*}" >/dev/null || missing="$missing ${name#*:}"
  done
  [ -n "$missing" ] || return 0
  local policy=/usr/sbin/policy-rc.d # asked before a package starts its service: none shall
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -rf "$scratch" /usr/sbin/policy-rc.d' EXIT
  fi
  # shellcheck disable=SC2086
  need_packages $missing
}

need_hook_managers() { # husky and lefthook, which the tests put beside our hooks
  if command -v npm >/dev/null && [ ! -e "$1/hook-managers/node_modules/.bin/lefthook" ]; then
    "$1/bin/python" -m tests.helpers.managers || say "npm could not install husky and lefthook"
  fi
}

run_tests() {
  local venv="$source_folder/.venv" print wrong="" cores
  prepare
  need_servers
  cd "$source_folder"
  print=$(cksum <pyproject.toml)
  if [ "$(cat "$venv/installed" 2>/dev/null)" != "$print" ] || ! "$venv/bin/git-data" --version >/dev/null 2>&1; then
    say "Preparing $venv"
    make_venv "$venv"
    pip_install "$venv" --editable '.[test]'
    printf '%s\n' "$print" >"$venv/installed"
  fi
  need_hook_managers "$venv"
  # Whatever a test does, the user's own configuration stays out of it, and as it is.
  : >"$scratch/gitconfig"
  export GIT_CONFIG_GLOBAL="$scratch/gitconfig" GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
  cores=$("$venv/bin/python" -c 'import os; print(os.cpu_count() or 1)')
  say "ruff" && { "$venv/bin/ruff" check . && "$venv/bin/ruff" format --check .; } || wrong="$wrong ruff"
  say "mypy" && "$venv/bin/mypy" || wrong="$wrong mypy"
  say "pytest on $cores cores" && PATH="$venv/bin:$PATH" "$venv/bin/python" -m pytest -n "$cores" </dev/null || wrong="$wrong pytest"
  [ -z "$wrong" ] || fail "failed:$wrong"
}

case "${1:-}" in
  "") install ;;
  --test) run_tests ;;
  --uninstall) uninstall ;;
  -h | --help) usage ;;
  *)
    usage >&2
    exit 2
    ;;
esac
