"""What the map shows: projection, colours, and clusters inside classes."""

import streamlit as st

from coreset_lib.errors import CoresetError
from coreset_lib.runs.summary import RunSummary
from coreset_lib.scores import SCORES
from coreset_lib.scores.score import ScoreValues
from coreset_lib.selection.class_clusters import ClassClusters
from dashboard import reads, session
from dashboard.map import clusters as map_clusters
from dashboard.map import colours as map_colours
from dashboard.map import reviews as map_reviews
from dashboard.map.clusters import Clustering
from dashboard.map.data import Projection
from dashboard.map.silhouette_chart import silhouette_curve
from dashboard.map.table_colours import by_column, by_coreset
from dashboard.shared.messages import draw_error
from dashboard.shared.samples.own_columns import COLUMN, own_columns
from dashboard.shared.score_picker import draw_score_picker
from dashboard.shared.text import as_text
from dashboard.shared.theme import PLOTLY_CONFIG
from dashboard.shared.windows.controls import current_choice

COLOURS = {
    "class": "Class",
    "cluster": "Cluster",
    "score": "Score",
    "forgetting": "Forgetting events",
    "disagreement": "Disagreement with neighbours",
    "early_margin": "Early margin",
    "suggested": "Suggested class",
    "prediction": "Prediction",
    "correctness": "Right or wrong",
    "coreset": "In the coreset",
    "review": "Review status",
}
PROJECTIONS: dict[Projection, str] = {"umap": "UMAP", "pca": "PCA"}


def projection_title(projection: Projection) -> str:
    """Name a projection for people."""
    return PROJECTIONS.get(projection, f"PCA as of epoch {projection.rpartition(':')[2]},")


NO_CLUSTERS, ALL_CLASSES = -2, -1
INSIDE = {NO_CLUSTERS: "no class", ALL_CLASSES: "every class"}
MOST_K = 20


def draw_projection(available: Projection) -> Projection:
    """Draw the choice between the run's UMAP and plain PCA; none if there is only PCA."""
    if available == "pca":
        return "pca"
    return st.segmented_control(
        "Projection",
        list(PROJECTIONS),
        format_func=PROJECTIONS.__getitem__,
        default="umap",
        required=True,
        key="projection",
        bind="query-params",
        persist_state="session",
        help="**UMAP** keeps neighbours together: images that the network finds alike lie side "
        "by side, while distances between groups mean little. **PCA** shows the two directions "
        "in which the images differ most.",
    )


def draw_colour(summary: RunSummary) -> str:
    """Draw the choice of what colours mean; the columns of the person's table among them."""
    titles = COLOURS | own_columns(summary)
    if st.session_state.get("colour", "class") not in titles:
        st.session_state.pop("colour")  # a column of another run
    return st.selectbox(
        "Colour by",
        list(titles),
        format_func=titles.__getitem__,
        key="colour",
        bind="query-params",
        persist_state="session",
    )


def draw_score(summary: RunSummary) -> ScoreValues | None:
    """Draw the choice of the score and compute it; None, with the reason, where that fails."""
    name, options = draw_score_picker("map", summary.epoch)
    try:
        windows: reads.Options = ()
        if summary.epoch >= 2:
            key = session.windows_key(summary.run_id)
            chosen = current_choice(key, session.initial_windows(summary), summary.epoch)
            windows = reads.window_options(name, early=chosen.early, late=chosen.late)
            session.show_in_url(early=str(chosen.early), late=str(chosen.late))
        if windows:
            st.caption("With the windows of the Trajectories page.")
        version = summary.version
        score = reads.score_values(version, name, (*windows, *options))
        if score.tie_note:
            st.caption(score.tie_note)
        return score
    except CoresetError as error:
        draw_error(error)
        return None


def draw_clustering(class_names: tuple[str, ...]) -> Clustering | None:
    """Draw whether to cluster, inside which class, and into how many; None: not at all."""
    inside = st.selectbox(
        "Cluster inside",
        [NO_CLUSTERS, ALL_CLASSES, *range(len(class_names))],
        format_func=lambda k: str(class_names[k]) if k >= 0 else INSIDE[k],
        key="inside",
        bind="query-params",
        persist_state="session",
        help="K-Medoids finds groups of alike images inside a class. The medoid is the image at "
        "the heart of its group. Distances are those of the network's embedding after PCA.",
    )
    if inside == NO_CLUSTERS:
        return None
    is_automatic = st.toggle(
        "Find K by silhouette",
        value=True,
        key="auto_k",
        bind="query-params",
        persist_state="session",
        help="The silhouette says how much closer an image is to its own group than to the next "
        "one, from -1 to 1. The K with the highest mean is taken, from 2 to 10.",
    )
    k = None
    if not is_automatic:
        k = st.slider(
            "Clusters K", 1, MOST_K, 4, key="k", bind="query-params", persist_state="session"
        )
    name = None if inside == ALL_CLASSES else class_names[int(inside)]
    return Clustering(class_name=name, k=k)


def find_clusters(summary: RunSummary, clustering: Clustering) -> ClassClusters | None:
    """Cluster with a progress bar; None, with the reason, where that fails."""
    place = st.empty()

    def tell(share: float, text: str) -> None:
        place.progress(share, text=as_text(text))

    try:
        return map_clusters.clusters(summary, clustering, tell)
    except CoresetError as error:
        draw_error(error)
        return None
    finally:
        place.empty()


def draw_k(summary: RunSummary, clustering: Clustering, found: ClassClusters) -> None:
    """Draw how K was chosen: the silhouette curve of a class, or a table of all classes."""
    if clustering.class_name is None:
        _draw_class_table(found)
        return
    record = found.records[0]
    names = reads.open_dynamics(summary.version).class_names
    curve = map_clusters.k_curve(summary, names.index(clustering.class_name))
    silhouette = record["silhouette"]
    quality = "" if silhouette is None else f", mean silhouette {silhouette:.2f}"
    st.markdown(f"**{record['k']} clusters** in {as_text(record['class'])}{quality}")
    if not curve:
        st.caption("Too few samples, or all alike: there is nothing to choose K by.")
        return
    st.plotly_chart(
        silhouette_curve(curve, record["k"]),
        config=PLOTLY_CONFIG,
        key="silhouette",
        alt=f"Mean silhouette against the number of clusters; K = {record['k']} is in use.",
    )
    st.caption(_silhouette_in_words(silhouette, is_sampled=record["is_sampled"]))


def _draw_class_table(found: ClassClusters) -> None:
    """Draw K, silhouette and sizes of every class."""
    st.markdown(f"**{found.n_clusters} clusters** in {len(found.records)} classes")
    st.dataframe(
        [
            {
                "class": record["class"],
                "K": record["k"],
                "silhouette": record["silhouette"],
                "sizes": ", ".join(map(str, record["sizes"])),
            }
            for record in found.records
        ],
        hide_index=True,
        height=min(240, 38 + 35 * len(found.records)),
        column_config={"silhouette": st.column_config.NumberColumn(format="%.2f")},
        alt="Number of clusters, silhouette and sizes in every class",
    )


def _silhouette_in_words(silhouette: float | None, *, is_sampled: bool) -> str:
    """Say what a silhouette of this height means."""
    if silhouette is None:
        text = "One cluster: nothing to compare."
    elif silhouette < 0.25:
        text = "Below 0.25: the groups run into each other, read them as regions."
    elif silhouette < 0.5:
        text = "0.25 to 0.5: groups are there, their borders are soft."
    else:
        text = "Above 0.5: the groups are clearly apart."
    return f"{text} Silhouette of a random sample of the class." if is_sampled else text


def choose_colour(
    summary: RunSummary,
    chosen: str,
    score: ScoreValues | None,
    clustering: Clustering | None,
    found: ClassClusters | None,
    as_of: int | None = None,
) -> map_colours.Coloured:
    """Return the chosen colours; by class, with the reason, where they cannot be had.

    What the network called the samples is that of epoch ``as_of``, by default of the last.
    """
    if chosen == "score" and score is not None:
        return map_colours.by_score(summary, score, SCORES[score.name].title)
    if chosen == "cluster" and clustering is not None and found is not None:
        return map_colours.by_cluster(summary, clustering, found)
    if chosen == "cluster":
        st.info("Coloured by class: choose above inside which class to cluster.")
    elif chosen != "score":
        try:
            if chosen == "review":
                return map_reviews.by_review(summary)
            if chosen == "coreset":
                return by_coreset(summary)
            if chosen.startswith(COLUMN):
                return by_column(summary, chosen)
            if chosen in map_colours.OF_AN_EPOCH:
                return map_colours.by_epoch(summary, chosen, as_of or summary.epoch)
            return map_colours.by_record(summary, chosen)
        except CoresetError as error:
            draw_error(error)
    return map_colours.by_record(summary, "class")
