# What the tests with other Debians share: where they keep them, and the mirror that this machine's apt uses. To be sourced.

cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/mosquitto-dedup

# Says why something can't be tested here, and ends with the exit code that ctest takes for a skipped test.
skip() {
  echo "SKIPPED: $1" >&2
  exit 77
}

# Prints the address of the Debian mirror.
debian_mirror() {
  command -v apt-get >/dev/null || skip "no other Debian can be had: made for Debian"
  local mirror
  # shellcheck disable=SC2016 # apt's own variable
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
  [[ -n $mirror ]] || skip "no other Debian can be had: apt knows no mirror; run apt-get update"
  echo "$mirror"
}

# Prints the directory of a minimal system of the Debian suite $1: not to be changed, only copied. Kept for a week, because
# suites move on. Needs root.
debian_root() {
  local suite=$1 root=$cache/roots/$1 mirror lock
  mirror=$(debian_mirror) || exit
  mkdir -p "$cache/roots"
  exec {lock}>"$root.lock"
  flock "$lock"
  if [[ -z $(find "$root.made" -mtime -7 2>/dev/null) ]]; then
    rm -rf --one-file-system "$root" "$root.made"
    debootstrap --variant=minbase "$suite" "$root" "$mirror" &>"$root.log" ||
      skip "no root of Debian $suite can be made: $(tail -n 3 "$root.log")"
    apt-config dump | grep -E '^Acquire::(http|https|Check-)' >"$root/etc/apt/apt.conf.d/90machine" || true
    touch "$root.made"
  fi
  exec {lock}>&-
  echo "$root"
}
