"""A notebook as one HTML page that opens from disk: figures inside, no script, nothing fetched from a network.

The page's security policy holds a browser to that, whatever got into a table.
"""

import nbformat
from nbconvert.exporters import HTMLExporter

# nbconvert's own page pulls require.js, MathJax and Mermaid from the network and brings 280 KB of styles.
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_js -%}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_js_mermaidjs -%}{%- endblock -%}
{%- block data_png -%}
<img src="data:image/png;base64,{{ output.data['image/png'] | trim }}" alt="{{ output.metadata['image/png'].alt | e }}"
 width="{{ output.metadata['image/png'].width }}">
{%- endblock -%}
{%- block notebook_css -%}<style>CSS</style>{%- endblock -%}
"""
CSS = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1040px; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; margin: 2em 0 .5em; }
h1 { margin-top: 0; }
a { color: #0055a0; }
a.anchor-link { display: none; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
.jp-RenderedHTMLCommon { overflow-x: auto; }
th, td { padding: .3em .7em; text-align: left; border-bottom: 1px solid #ddd; vertical-align: top; }
thead th { border-bottom: 2px solid #555; }
table { width: max-content; }
td { max-width: 26em; }
img { max-width: 100%; height: auto; margin: .5em 0; }
pre { font-size: 13px; line-height: 1.4; overflow-x: auto; margin: 0; }
.jp-InputArea { background: #f6f6f6; padding: .5em .8em; margin: 1em 0; }
.jp-InputPrompt, .jp-OutputPrompt, .jp-Collapser { display: none; }
.jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr'] { background: #fdd; }
.highlight .k, .highlight .kn { color: #0a6; font-weight: 600; }
.highlight .s1, .highlight .s2 { color: #a31515; }
.highlight .c1 { color: #666; font-style: italic; }
@media print { body { max-width: none; margin: 0; } }
"""


def to_html(notebook: nbformat.NotebookNode, title: str, code: bool) -> str:
    """Return a page with this title, with the notebook's code or without."""
    notebook = nbformat.from_dict(notebook)
    notebook.metadata["title"] = title
    exporter = HTMLExporter(
        raw_template=TEMPLATE.replace("CSS", CSS),
        exclude_input=not code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    body, _ = exporter.from_notebook_node(notebook)
    return "\n".join(line.rstrip() for line in body.splitlines()) + "\n"
