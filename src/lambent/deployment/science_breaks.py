"""Releases of numpy and scikit-learn that broke what public apps use: rows of the table in `version_breaks.py`. Pure."""

from __future__ import annotations

from lambent.deployment.break_patterns import Break, Row, no_module, removed_from

_MOVED_MODULES = (
    r"linear_model\.(?:base|logistic|ridge|stochastic_gradient|coordinate_descent)",
    r"ensemble\.(?:forest|bagging|base|gradient_boosting|weight_boosting|voting)",
    r"tree\.tree",
    r"svm\.classes",
    r"neighbors\.(?:base|classification|regression|unsupervised)",
    r"neural_network\.multilayer_perceptron",
    r"preprocessing\.(?:data|label|imputation)",
    r"cluster\.k_means_",
    r"decomposition\.(?:pca|truncated_svd)",
    r"discriminant_analysis\.base",
    r"feature_selection\.univariate_selection",
)
"""The modules that saved models name, which were renamed in 0.22: https://scikit-learn.org/stable/whats_new/v0.22.html."""

TABLE: tuple[Row, ...] = (
    (
        (r"module 'numpy' has no attribute '(?:float|int|bool|object|str|complex)'",),
        Break("numpy 1.24 removed its names for Python's types", ("numpy<1.24",)),
    ),
    (
        (
            r"compiled using NumPy 1\.x cannot be run in",
            r"numpy\.(?:dtype|ufunc) size changed",
            r"was removed in the NumPy 2\.0 release",
        ),
        Break("the app or a package is written for numpy 1", ("numpy<2",)),
    ),
    (
        (no_module(r"sklearn\.externals\.joblib"), removed_from(r"sklearn\.externals", "joblib", "six")),
        Break("scikit-learn 0.23 removed its copies of other packages", ("scikit-learn<0.23", "numpy<1.24")),
    ),
    (
        (r"OneHotEncoder\.__init__\(\) got an unexpected keyword argument 'sparse'",),
        Break("scikit-learn 1.4 removed an argument of OneHotEncoder", ("scikit-learn<1.4",)),
    ),
    (
        (no_module(rf"sklearn\.(?:{'|'.join(_MOVED_MODULES)})"),),
        Break("scikit-learn 0.24 can't load models that were saved before 0.22", ("scikit-learn<0.24", "numpy<1.24")),
    ),
    (
        (r"node array from the pickle has an incompatible dtype",),
        Break("scikit-learn 1.3 can't load trees that were saved before", ("scikit-learn<1.3", "numpy<2")),
    ),
    (
        (r"Can't get attribute '_RemainderColsList'",),
        Break("scikit-learn 1.7 can't load a ColumnTransformer that was saved before", ("scikit-learn<1.7",)),
    ),
)
