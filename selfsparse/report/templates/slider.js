
// A sheet over training holds one row per snapshot, and its image as many as the longest of the dataset's sheets. With this script a slider shows one row; without, all are seen.
for (const box of document.querySelectorAll(".progress")) {
  const [slider, output, image] = ["input", "output", "img"].map((name) => box.querySelector(name));
  const steps = [...box.querySelectorAll("li")].map((item) => item.textContent);
  const show = () => {
    image.style.transform = `translateY(${(-100 * slider.value) / box.dataset.rows}%)`;
    output.textContent = steps[slider.value];
    slider.setAttribute("aria-valuetext", steps[slider.value]);
  };
  slider.addEventListener("input", show);
  box.classList.add("live");
  show();
}
