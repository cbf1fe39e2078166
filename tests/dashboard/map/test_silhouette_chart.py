from dashboard.map.silhouette_chart import silhouette_curve


def test_the_curve_shows_every_k_and_marks_the_chosen_one():
    figure = silhouette_curve([(2, 0.5), (3, 0.6), (4, 0.1)], 3)
    curve, mark = figure.data
    assert list(curve.x) == [2, 3, 4]
    assert list(curve.y) == [0.5, 0.6, 0.1]
    assert (list(mark.x), list(mark.y)) == ([3], [0.6])
    assert figure.layout.shapes[0].x0 == 3


def test_a_k_that_was_not_tried_is_a_line_without_a_mark():
    figure = silhouette_curve([(2, 0.5), (3, None)], 12)
    assert len(figure.data) == 1
    assert figure.layout.shapes[0].x0 == 12
    assert figure.layout.xaxis.tickvals == (2, 3, 12)
