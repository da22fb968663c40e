# The plugin's options in mosquitto.conf, each behind a comment about it, as the paragraphs of a man page.

/^#?plugin_opt_/ {
  is_default = sub(/^#/, "")
  name = $1
  sub(/^[^ ]+ /, "")
  print ".TP\n.B " name (is_default ? " " roff($0) : "")
  for (i = 0; i < count; i++) print lines[i]
}

# A line that is indented explains one value.
/^#   *[a-z]/ && !/plugin_opt_/ {
  if (sub(/^#  +/, "")) {
    value = $1
    sub(/^[^ ]+ +/, "")
    lines[count++] = ".br\n.B " value "\n" roff($0)
    next
  }
}

/^# / { lines[count++] = roff(substr($0, 3)) }

!/^#/ || /^#plugin_opt_/ { count = 0 }
