# What the scripts of the checkout share: their --help, how they refuse what they do not know, and a build folder that is
# this checkout's own. Sourced from the checkout's root, with `set -euo pipefail`.

# Ends the script $1 (a path from the root) because of an argument $2 that it does not take: with the comment that the
# script begins with when that is --help, else with a refusal. Comes before anything is installed, built or started.
help_or_refuse() {
  case $2 in
    -h | --help)
      sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "$1"
      exit 0
      ;;
    *)
      printf "%s: unknown argument '%s'; %s --help says what there is\n" "$1" "$2" "$1" >&2
      exit 2
      ;;
  esac
}

# Ends the script $1 for want of arguments: it takes $2.
ask_for() {
  printf '%s: takes %s; %s --help says more\n' "$1" "$2" "$1" >&2
  exit 2
}

# Ends the script $1 when its option $2 is the last of $3 arguments.
need_value() {
  (($3 > 1)) || {
    printf '%s: %s takes a value; %s --help says which\n' "$1" "$2" "$1" >&2
    exit 2
  }
}

cached() { # $1: the build folder, $2: what cmake remembers of it
  sed -n "s/^$2:INTERNAL=//p" "$1/CMakeCache.txt" 2>/dev/null || true
}

# What the build folder $1 was made for, when that is not this checkout, this folder and ninja; otherwise nothing. A checkout
# that was renamed, moved or copied brings one along that names the old place all over: ninja would fail, or go on building
# there.
made_for_another() {
  [[ -f $1/CMakeCache.txt ]] || return 0
  local checkout folder generator
  checkout=$(cached "$1" CMAKE_HOME_DIRECTORY) folder=$(cached "$1" CMAKE_CACHEFILE_DIR)
  generator=$(cached "$1" CMAKE_GENERATOR)
  if ! [[ $checkout -ef . ]]; then
    echo "$checkout"
  elif ! [[ $folder -ef $1 ]]; then
    echo "the folder $folder"
  elif [[ $generator != Ninja ]]; then
    echo "the generator $generator"
  fi
}

is_configured() { [[ -f $1/build.ninja && -z $(made_for_another "$1") ]]; }

# Configures the build folder $1 by the preset $2; further arguments are cmake's.
configure() {
  local fresh=() other
  other=$(made_for_another "$1")
  if [[ -n $other ]]; then
    echo "$1 was made for $other; making it anew"
    fresh=(--fresh)
  fi
  cmake "${fresh[@]}" --preset "${@:2}"
}
