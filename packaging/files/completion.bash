# bash completion for gatehouse: the program itself says what may come next.
_gatehouse() {
    local line=${COMP_LINE:0:COMP_POINT} word=${COMP_WORDS[COMP_CWORD]} candidate
    COMPREPLY=()
    while IFS= read -r candidate; do
        if [[ $candidate == "$word"* && $candidate != -'?' && $candidate != /* ]]; then COMPREPLY+=("$candidate"); fi
    done < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)
}
complete -o default -F _gatehouse gatehouse
