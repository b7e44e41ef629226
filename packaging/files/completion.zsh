#compdef gatehouse
# zsh completion for gatehouse: the program itself says what may come next.
_gatehouse() {
    local line="${(j: :)words[1,CURRENT]}"
    local -a candidates
    candidates=(${(f)"$("$words[1]" "[suggest:${#line}]" "$line" 2>/dev/null)"})
    candidates=(${candidates:#(-\?|/*)})
    if (( $#candidates )); then compadd -a candidates; else _files; fi
}
_gatehouse "$@"
