"""The demo that bends a body: how it bends, its surface, SMPL behind the same names, and the fit in short, interrupted too.

Bending is compared with the formula written out vertex by vertex in NumPy (SciPy makes the rotations), its gradient with finite differences in float64.
"""

import importlib.util
import json
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh
from conftest import REPOSITORY
from PIL import Image
from scipy.spatial.transform import Rotation

torch = pytest.importorskip("torch", reason="these demos use torch")

TINY = ("--size", "32", "--steps", "6", "--perturbed", "1")
SMPL_VERTICES, SMPL_SHAPES = 6890, 10  # smplx picks some of its vertices by number


@pytest.fixture
def demos(monkeypatch):
    """The folder of the demos, where they find each other."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "demos"))
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")


@pytest.fixture
def body_model(demos):
    import body_model

    return body_model


@pytest.fixture
def body(demos):
    spec = importlib.util.spec_from_file_location("body", REPOSITORY / "demos" / "body.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def some_pose(seed: int = 3, degrees: float = 40.0) -> np.ndarray:
    return np.radians(degrees) * np.random.default_rng(seed).normal(size=(24, 3))


def bent_by_the_book(vertices, joints, weights, parents, pose) -> tuple[np.ndarray, np.ndarray]:
    """Each vertex is moved by each joint's chain of rotations about its ancestors, and the results are mixed."""

    def moved(point: np.ndarray, joint: int) -> np.ndarray:
        while joint >= 0:
            point = joints[joint] + Rotation.from_rotvec(pose[joint]).apply(point - joints[joint])
            joint = parents[joint]
        return point

    mixed = sum(weights[:, joint, None] * moved(vertices, joint) for joint in range(len(joints)))
    return mixed, np.array([moved(joints[joint], joint) for joint in range(len(joints))])


class TestBending:
    def test_as_by_the_book(self, body_model):
        rest, pose, shape = body_model.template(), some_pose(), np.array([0.5, -1.0, 2.0, 0.7])
        expected = bent_by_the_book(
            rest.vertices + np.tensordot(shape, rest.vertex_shapes, 1),
            rest.joints + np.tensordot(shape, rest.joint_shapes, 1),
            rest.weights,
            body_model.PARENTS,
            pose,
        )
        given = (torch.from_numpy(values)[None] for values in (pose, shape, np.array([0.1, -0.2, 0.3])))
        got = body_model.ProceduralBody(torch.float64)(*given)
        for values, by_the_book in zip(got, expected, strict=True):
            np.testing.assert_allclose(values[0].numpy(), by_the_book + np.array([0.1, -0.2, 0.3]), atol=1e-12)

    def test_unbent_it_is_the_template(self, body_model):
        rest = body_model.template()
        vertices, joints = body_model.ProceduralBody(torch.float64)(*(torch.zeros(1, *size).double() for size in ((24, 3), (4,), (3,))))
        np.testing.assert_allclose(vertices[0].numpy(), rest.vertices, atol=1e-14)
        np.testing.assert_allclose(joints[0].numpy(), rest.joints, atol=1e-14)

    @pytest.mark.parametrize("degrees", [0.0, 40.0], ids=["at rest", "bent"])
    def test_gradient(self, body_model, degrees):
        own = body_model.ProceduralBody(torch.float64)
        own.vertices, own.weights, own.vertex_shapes = own.vertices[::300], own.weights[::300], own.vertex_shapes[:, ::300]
        given = [torch.from_numpy(v).requires_grad_() for v in (some_pose(4, degrees)[None], np.array([[0.3, -0.2, 0.5, 1.0]]), np.array([[0.0, 0.1, 0.2]]))]
        assert torch.autograd.gradcheck(own, given, eps=1e-6, atol=1e-8)


class TestSurface:
    def test_closed_and_symmetric(self, body_model):
        rest = body_model.template()
        mesh = trimesh.Trimesh(rest.vertices, rest.faces, process=False)
        assert mesh.is_watertight
        assert mesh.is_winding_consistent
        assert mesh.volume > 0.05
        assert mesh.body_count == 1
        assert mesh.euler_number == 2  # no handles
        assert 2000 < len(rest.faces) < 6000
        assert np.abs(body_model.melted(rest.vertices)).max() < 1e-6
        np.testing.assert_allclose(rest.weights.sum(1), 1)
        across = np.linalg.norm(rest.vertices[:, None] - rest.vertices * [-1, 1, 1], axis=2).min(1)
        assert across.max() < 1e-6

    def test_parts_and_shapes(self, body_model):
        rest = body_model.template()
        assert len({tuple(color) for color in rest.colors}) == 6
        hand = np.linalg.norm(rest.vertices - rest.joints[body_model.RIGHT_HAND], axis=1) < 0.06
        np.testing.assert_array_equal(rest.colors[hand], np.tile(body_model.SKIN, (hand.sum(), 1)))
        for vertices, joints in zip(rest.vertex_shapes, rest.joint_shapes, strict=True):
            assert 0.005 < np.abs(vertices).max() < 0.06
            assert np.abs(joints).max() < 0.06
        assert not rest.joint_shapes[1].any()  # girth is of the flesh


def hit_on_the_way(points: np.ndarray, eye: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """[N] whether a triangle [F, 3, 3] stands between points [N, 3] and the eye (Möller and Trumbore)."""
    start, ray = points + 1e-3 * (eye - points), eye - points
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(ray[:, None], other)
    volume = (across * one).sum(-1)
    from_corner = start[:, None] - corners[:, 0]
    u, turned = (across * from_corner).sum(-1) / volume, np.cross(from_corner, one)
    v, far = (turned * ray[:, None]).sum(-1) / volume, (turned * other).sum(-1) / volume
    return ((u > 0) & (v > 0) & (u + v < 1) & (far > 0) & (far < 1)).any(1)


class TestScene:
    def test_hidden_at_the_start_and_seen_in_the_picture(self, body, body_model):
        scene = body.Scene(body.ProceduralBody(), 32)
        target = body.target_parameters(4)
        start = {name: values[:1] for name, values in body.start_parameters(scene, 2, 0).items()}
        is_hand = torch.isin(scene.body.parts, torch.tensor([body_model.JOINTS.index("right_wrist"), body_model.RIGHT_HAND])).numpy()
        for parameters, seen in ((start, False), (target, True)):
            assert scene.hand_is_seen(parameters) is seen
            vertices = body.bent(scene.body, parameters)[0][0].numpy().astype(np.float64)
            hidden = hit_on_the_way(vertices[is_hand], scene.camera.eye[0], vertices[scene.body.faces.numpy()])
            assert (0.2 < hidden.mean() < 0.8) if seen else hidden.all()  # one side of the hand is hidden by the other

    def test_perturbed_starts_differ_and_hide_the_hand(self, body):
        scene = body.Scene(body.ProceduralBody(), 32)
        starts = body.start_parameters(scene, 2, 1)
        np.testing.assert_array_equal(starts["pose"][0], torch.from_numpy(body.arm_behind()).float())
        assert starts["pose"].std(0).mean() > np.radians(1)
        for i in range(3):
            assert not scene.hand_is_seen({name: values[i : i + 1] for name, values in starts.items()})
        again = body.start_parameters(scene, 2, 1)
        assert all(torch.equal(starts[name], again[name]) for name in starts)

    def test_limits_hold_where_the_body_starts_and_ends(self, body):
        ranges = body.limits()
        for angles in (body.arm_behind(), body.arm_before(), body.REST_POSE):
            given = torch.from_numpy(angles).float()
            assert (given >= ranges[0] - 1e-6).all()
            assert (given <= ranges[1] + 1e-6).all()
        broken = body.tensors(body.REST_POSE[None], np.zeros((1, 4)), np.zeros((1, 2)))
        start_pose = broken["pose"].clone()
        free = body.prior(broken, start_pose, ranges)
        broken["pose"][0, body.JOINTS.index("right_elbow"), 1] = np.radians(-30)  # bent backwards
        assert body.prior(broken, start_pose, ranges) > free + body.LIMIT_WEIGHT * 0.2

    def test_arm_points_where_it_is_told(self, body, body_model):
        own = body.ProceduralBody()
        for side, name in ((1, "left"), (-1, "right")):
            shoulder, elbow = body.arm(side, (side * 0.3, -0.9, 0.2), (side * -0.2, 0.3, 0.9))
            angles = np.zeros((24, 3))
            angles[body.JOINTS.index(f"{name}_shoulder")], angles[body.JOINTS.index(f"{name}_elbow")] = shoulder, elbow
            joints = body.bent(own, body.tensors(angles[None], np.zeros((1, 4)), np.zeros((1, 2))))[1][0].numpy()
            places = [joints[body.JOINTS.index(f"{name}_{joint}")] for joint in ("shoulder", "elbow", "wrist")]
            for a, b, direction in zip(places[:-1], places[1:], ((side * 0.3, -0.9, 0.2), (side * -0.2, 0.3, 0.9)), strict=True):
                cosine = (b - a) @ direction / np.linalg.norm(b - a) / np.linalg.norm(direction)
                assert cosine > 0.997  # the arm at rest is not quite straight


class Killed(BaseException):
    """In the middle of a step."""


class TestFit:
    def test_hidden_triangles_receive_gradient_in_one_of_the_runs(self, body):
        scene = body.Scene(body.ProceduralBody(), 48)
        start = body.start_parameters(scene, 0, 0)
        vertices = body.bent(scene.body, start)[0].requires_grad_()
        hand = scene.body.weights[:, 23] > 0.5
        found = {}
        for name, blending in body.RUNS.items():
            _, color = body.losses(scene, vertices, scene.settings(blending, 0.0))
            (gradient,) = torch.autograd.grad(color.sum(), vertices)
            found[name] = gradient[0, hand].norm().item()
        assert found["with"] > 1e-3
        assert found["without"] < 1e-3 * found["with"]

    def test_it_goes_on_with_the_same_numbers(self, demos, run_demo, tmp_path):
        run_demo("body", "-o", "whole", *TINY)

        def breaks(module):
            module.SAVE_EVERY = 2
            whole, calls = module.Fit.step, []

            def step(self):
                calls.append(0)
                if len(calls) == 4:  # after a save at 2
                    raise Killed
                whole(self)

            module.Fit.step = step

        with pytest.raises(Killed):
            run_demo("body", "-o", "broken", *TINY, prepare=breaks)
        kept = torch.load(tmp_path / "broken" / "checkpoint_with.pt", weights_only=True)
        assert len(kept["curves"]) == 2
        run_demo("body", "-o", "broken", *TINY)
        one, other = (json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("whole", "broken"))
        for name in ("with", "without"):
            for what in ("hand_cm", "vertices_cm", "color_l1", "one_minus_iou"):
                np.testing.assert_allclose(one["starts"][name][what], other["starts"][name][what], atol=0.011)
            np.testing.assert_allclose(one["curves"][name]["hand_cm"], other["curves"][name]["hand_cm"], atol=0.011)
            assert np.shape(one["curves"][name]["hand_cm"]) == (2, 6)
        assert one["starts"]["with"]["hand_cm"] != one["starts"]["without"]["hand_cm"]
        with Image.open(tmp_path / "whole" / "fit.gif") as film:
            assert film.n_frames > 3
        with Image.open(tmp_path / "whole" / "sheet.png") as sheet:
            assert sheet.size[1] == 4 * 216

    def test_other_options_need_another_folder(self, demos, body, run_demo, tmp_path):
        scene = body.Scene(body.ProceduralBody(), 16)
        fit = body.Fit(scene, body.start_parameters(scene, 0, 0), body.RUNS["with"], 2, tmp_path / "checkpoint_with.pt", "own body, size 16")
        fit.step()
        fit.save()
        with pytest.raises(ValueError, match="OUT must be another folder where the options are others"):
            run_demo("body", "-o", tmp_path, *TINY)

    def test_wrong_input(self, demos, run_demo, tmp_path, monkeypatch):
        with pytest.raises(ValueError, match="--size must be between 16 and 2048, got 8"):
            run_demo("body", "-o", "out", "--size", "8")
        monkeypatch.setitem(sys.modules, "smplx", None)
        with pytest.raises(ValueError, match="SMPL needs the package smplx, which is not installed: pip install smplx"):
            run_demo("body", "-o", "out", "--smplx-model", tmp_path)


def save_as_smpl(body_model, folder) -> None:
    """Our body in a file as SMPL's are: padded to as many vertices, joints regressed from vertices, no corrections."""
    rest = body_model.template()
    n, padding = len(rest.vertices), SMPL_VERTICES - len(rest.vertices)

    def padded(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, np.repeat(values[:1], padding, 0)])

    vertices = np.concatenate([rest.vertices, *rest.vertex_shapes], 1)
    joints = np.concatenate([rest.joints, *rest.joint_shapes], 1)
    one = np.linalg.lstsq(np.concatenate([vertices, np.ones((n, 1))], 1).T, np.concatenate([joints, np.ones((24, 1))], 1).T, rcond=None)[0].T
    model = {
        "v_template": padded(rest.vertices),
        "shapedirs": np.pad(padded(np.moveaxis(rest.vertex_shapes, 0, -1)), ((0, 0), (0, 0), (0, SMPL_SHAPES - 4))),
        "posedirs": np.zeros((SMPL_VERTICES, 3, 207)),
        "J_regressor": np.concatenate([one, np.zeros((24, padding))], 1),
        "kintree_table": np.array([body_model.PARENTS, np.arange(24)]),
        "weights": padded(rest.weights),
        "f": rest.faces,
    }
    (folder / "smpl").mkdir()
    (folder / "smpl" / "SMPL_NEUTRAL.pkl").write_bytes(pickle.dumps(model))


class TestSMPL:
    def test_our_body_through_smplx(self, body_model, tmp_path):
        """What the package makes of a model file: the same as we, of the same parameters."""
        pytest.importorskip("smplx", reason="SMPL is read by the package smplx")
        save_as_smpl(body_model, tmp_path)
        smpl, own = body_model.SMPLBody(tmp_path), body_model.ProceduralBody()
        n = len(own.colors)
        assert smpl.n_shape == SMPL_SHAPES
        assert abs(smpl.height - own.height) < 1e-5
        torch.testing.assert_close(smpl.faces, own.faces)
        given = [torch.from_numpy(values).float() for values in (np.stack([some_pose(5), some_pose(6)]), np.full((2, 4), 0.7), np.full((2, 3), 0.1))]
        given[0].requires_grad_()
        pose, shape, place = given
        for ours, theirs in zip(own(*given), smpl(pose, torch.nn.functional.pad(shape, (0, SMPL_SHAPES - 4)), place), strict=True):
            torch.testing.assert_close(theirs[:, : ours.shape[1]], ours, atol=1e-5, rtol=0)
            assert torch.autograd.grad(theirs.square().sum(), given[0], retain_graph=True)[0].abs().max() > 0
        assert (smpl.colors[:n] == own.colors).all(1).float().mean() > 0.9
        with pytest.raises(ValueError, match="must hold smpl/SMPL_FEMALE"):
            body_model.SMPLBody(tmp_path, "female")

    def test_how_smplx_is_asked(self, body_model, tmp_path, monkeypatch):
        """Where the package is not installed, a stand-in of our own says what it was given."""
        own, asked = body_model.ProceduralBody(), {}

        class Model(SimpleNamespace):
            def __call__(self, betas=None, global_orient=None, body_pose=None, transl=None):
                if betas is None:
                    betas, global_orient, body_pose, transl = (torch.zeros(1, size) for size in (4, 3, 69, 3))
                pose = torch.cat([global_orient, body_pose], 1).reshape(-1, 24, 3)
                vertices, joints = own(pose, betas, transl)
                return SimpleNamespace(vertices=vertices, joints=torch.cat([joints, vertices[:, :21]], 1))

        def create(model_path, **options):
            asked.update(options, model_path=model_path)
            return Model(faces=own.faces.numpy().astype(np.uint32), v_template=own.vertices, lbs_weights=own.weights, num_betas=4)

        monkeypatch.setitem(sys.modules, "smplx", SimpleNamespace(create=create))
        smpl = body_model.SMPLBody(tmp_path, "male")
        assert asked == {"model_path": str(tmp_path), "model_type": "smpl", "gender": "male"}
        given = [torch.from_numpy(values).float() for values in (some_pose(7)[None], np.full((1, 4), 0.3), np.full((1, 3), 0.1))]
        for ours, theirs in zip(own(*given), smpl(*given), strict=True):
            torch.testing.assert_close(theirs, ours)
