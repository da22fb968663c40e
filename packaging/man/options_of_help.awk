# What --help says of the flags as the paragraphs of a man page: groups under headings, and for each flag a line of two blanks,
# its names, and its text behind at least two blanks more or on the next line. Of a program with verbs, the help of each verb
# becomes a section, with its usage and what it says.

/^Usage: [a-z-]+ [a-z]/ {
  sub(/^Usage: /, "")
  verb = $2
  is_group = 0
  print ".SH " toupper(verb) "\n.nf\n.B " roff($0)
  in_usage = 1
  next
}

in_usage && /^       [a-z]/ {
  print ".B " roff(substr($0, 8))
  next
}

in_usage {
  in_usage = 0
  is_said = 1
  print ".fi"
}

/^[A-Z][A-Za-z ]*:$/ {
  is_group = 1
  is_said = 0
  print ".SS " substr($0, 1, length($0) - 1)
  next
}

is_said && NF {
  print roff($0)
  next
}

!is_group { next }

/^  [^ ]/ {
  names = substr($0, 3)
  text = ""
  if (match(names, /   */)) {
    text = substr(names, RSTART + RLENGTH)
    names = substr(names, 1, RSTART - 1)
  }
  print ".TP\n.B " roff(names)
  if (text != "") print roff(text)
  next
}

/[^ ]/ {
  sub(/^ +/, "")
  print roff($0)
}
