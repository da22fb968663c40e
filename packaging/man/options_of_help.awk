# What --help says of the flags as the paragraphs of a man page: groups under headings, and for each flag a line of two blanks,
# its names, and its text behind at least two blanks more or on the next line.

/^[A-Z][A-Za-z ]*:$/ {
  is_group = 1
  print ".SS " substr($0, 1, length($0) - 1)
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
