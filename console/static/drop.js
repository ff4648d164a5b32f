// The form that takes a file: by dropping one anywhere on the page, with the progress of a large one.
// Without this script it is a plain form.

const form = document.querySelector("form[data-upload]");
const { file: input, dataset: select } = form.elements;
const button = form.querySelector("button");
const bar = form.querySelector("progress");
const said = form.querySelector(".said");

const DATASET_FIRST = "Its name does not say a dataset: choose one.";
const LOST = "The console does not answer. Look whether it runs (pipeline status), and upload it again.";

let chosenByHand = Boolean(select.value);

function say(words, isBad = false) {
  said.textContent = words;
  said.classList.toggle("bad", isBad);
}

// The dataset before the first dot of the file's name, as the command guesses it.
function guessDataset() {
  const name = input.files[0]?.name ?? "";
  if (!chosenByHand) {
    const stem = name.split(".")[0];
    const known = [...select.options].some((option) => option.value === stem);
    select.value = known ? stem : "";
  }
  select.required = Boolean(name);
  say(name && !select.value ? DATASET_FIRST : "");
  (name && !select.value ? select : button).focus();
}

function carriesFile(event) {
  return event.dataTransfer?.types.includes("Files");
}

function onDragOver(event) {
  if (!carriesFile(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
}

function onDragEnd() {
  document.body.classList.remove("dropping");
}

function onDrop(event) {
  if (!carriesFile(event)) return;
  event.preventDefault();
  onDragEnd();
  const one = new DataTransfer();
  if (!event.dataTransfer.files.length) return;
  one.items.add(event.dataTransfer.files[0]);
  input.files = one.files;
  form.scrollIntoView({ block: "nearest" });
  guessDataset();
  if (event.dataTransfer.files.length > 1) say("One file at a time: the first was taken.");
}

function showSent(event) {
  if (!event.lengthComputable) return;
  bar.value = (100 * event.loaded) / event.total;
}

function reenable() {
  button.disabled = false;
  bar.hidden = true;
}

// A refusal is a page; its message is what matters here.
function showAnswer(request) {
  if (request.status === 200) {
    location.assign(request.responseURL);
    return;
  }
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  say(answer.querySelector("[role=alert]")?.textContent.trim() || LOST, true);
  reenable();
}

function onSubmit(event) {
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", showSent);
  request.addEventListener("load", () => showAnswer(request));
  request.addEventListener("error", () => {
    say(LOST, true);
    reenable();
  });
  request.open("POST", form.action);
  request.send(new FormData(form));
  button.disabled = true;
  bar.hidden = false;
  say(`Uploading ${input.files[0].name}`);
}

input.addEventListener("change", guessDataset);
select.addEventListener("change", () => {
  chosenByHand = Boolean(select.value);
  say("");
});
form.addEventListener("submit", onSubmit);
document.addEventListener("dragover", onDragOver);
document.addEventListener("dragleave", (event) => event.relatedTarget || onDragEnd());
document.addEventListener("drop", onDrop);
reenable();
