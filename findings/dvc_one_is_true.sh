#!/usr/bin/env bash
# dvc 3.67.1: a parameter that goes from 1 to 1.0 or to true has not changed, and one that stays .nan has.
#
# One would guess that a stage runs again once the text of its parameter is another value for YAML. DVC compares by Python's ==,
# within lists and mappings as well: 1, 1.0 and true are equal, and so are 0 and false. Where a program tells them apart (1 is
# one image and 1.0 all of them, true is a layer in place of a width of 1), `dvc repro` says that nothing changed and the old
# results stay, with the old value in dvc.lock. And .nan, written for "none", is unlike itself: `dvc status` calls the stage
# changed for ever. Write null, and give a parameter that means something else another name.
#
# Seen: 1 -> 1.0: up to date
#       1 -> true: up to date
#       [1, 0] -> [true, false]: up to date
#       1 -> "1": changed
#       1 -> 2: changed
#       .nan -> .nan: changed
#       null -> null: up to date
#       repro after 1 -> true: the stage's result is 1, images in dvc.lock: 1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export DVC_NO_ANALYTICS=1 DVC_GLOBAL_CONFIG_DIR="$folder" DVC_SYSTEM_CONFIG_DIR="$folder" DVC_SITE_CACHE_DIR="$folder/site"
python3 -m venv venv
venv/bin/pip install --quiet 'dvc==3.67.1'
export PATH="$folder/venv/bin:$PATH"
mkdir project
cd project
dvc init --quiet --no-scm
cat > dvc.yaml <<'END'
stages:
  train:
    cmd: grep -o '[^ ]*$' params.yaml > result.txt
    params: [images]
    outs: [result.txt]
END
change() {
  echo "images: $1" > params.yaml
  dvc repro --quiet
  echo "images: $2" > params.yaml
  if [ "$(dvc status --json)" = '{}' ]; then echo "$1 -> $2: up to date"; else echo "$1 -> $2: changed"; fi
}
{
  change 1 1.0
  change 1 true
  change '[1, 0]' '[true, false]'
  change 1 '"1"'
  change 1 2
  change .nan .nan
  change null null
  change 1 true > /dev/null
  dvc repro --quiet
  echo "repro after 1 -> true: the stage's result is $(cat result.txt), $(sed -n 's/^ *images:/images in dvc.lock:/p' dvc.lock)"
} | tee ../seen.txt
diff ../seen.txt - <<'END'
1 -> 1.0: up to date
1 -> true: up to date
[1, 0] -> [true, false]: up to date
1 -> "1": changed
1 -> 2: changed
.nan -> .nan: changed
null -> null: up to date
repro after 1 -> true: the stage's result is 1, images in dvc.lock: 1
END
